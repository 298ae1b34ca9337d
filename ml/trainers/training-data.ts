import type { LabelSpec } from "../../domain/task.ts";
import { type DuckDb, openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import { type FeatureTable, readFeatureTable } from "../features/feature-columns.ts";

/** Features by name, as a model's inputs take them: float32 with NaN where missing, strings with "" where missing. */
export type FeatureColumns = Record<string, Float32Array | string[]>;
export interface Feature {
  name: string;
  type: "float" | "string";
}

export interface TrainingData {
  rows: number;
  columns: FeatureColumns;
  /** Binary 0 or 1, multiclass the index of the class; empty for a regression. */
  labels: Uint8Array;
}

export interface LabelledData extends TrainingData {
  /** The label as a number, for every task. */
  targets: Float64Array;
}

export interface TableRequest {
  path: string;
  features: Feature[];
  /** The label's column; null where the table has none (`labels` and `targets` are empty then). */
  label: string | null;
  /** What the label holds; binary where it is left out. */
  task?: LabelSpec | undefined;
  /** The first rows only. */
  limit?: number;
  /** A column to sort by; else the order of the file. */
  orderBy?: string;
}

/** A label is kept in a byte, and a table of probabilities a class must stay readable. */
export const mostClasses = 200;

/** Features and label of a Parquet file. Throws where a column lacks, and a RangeError where a label is none of its task's. */
export async function readTrainingData(request: TableRequest): Promise<LabelledData> {
  const { path, features, label, limit, orderBy, task = { task: "binary" } } = request;
  const db = await openDuckDb({ threads: 1 });
  try {
    const table = `read_parquet(${quoteText(path)})`;
    const [counted] = await db.rows(`SELECT count(*) AS n FROM ${table}`);
    const rows = Math.min(Number(counted?.["n"]), limit ?? Number.POSITIVE_INFINITY);
    if (label !== null) await checkLabels(db, { table, label, task });
    const ofClasses = label !== null && task.task !== "regression";
    const columns = features.map(({ name, type }) => `CAST(${quoteName(name)} AS ${type === "float" ? "FLOAT" : "VARCHAR"})`);
    const selected = ["0", ...columns, ...(ofClasses ? [quoteName(label)] : [])].join(", ");
    const order = orderBy === undefined ? "" : ` ORDER BY ${quoteName(orderBy)}`;
    const sql = `SELECT ${selected} FROM ${table}${order} LIMIT ${rows}`;
    const read = await readFeatureTable(db.connection, { sql, features, labelled: ofClasses, rows });
    const labels = read.labels ?? new Uint8Array(0);
    const targets =
      label === null || ofClasses
        ? Float64Array.from(labels)
        : await readNumbers(db, `SELECT CAST(${quoteName(label)} AS DOUBLE) FROM ${table}${order} LIMIT ${rows}`, rows);
    return { rows, columns: columnsByName(read.columns), labels, targets };
  } finally {
    db.close();
  }
}

async function checkLabels(db: DuckDb, { table, label, task }: { table: string; label: string; task: LabelSpec }): Promise<void> {
  const name = quoteName(label);
  if (task.task === "multiclass" && task.classes.length > mostClasses)
    throw new RangeError(`The label has ${task.classes.length} classes; ${mostClasses} are the most that can be told apart.`);
  const fits = {
    binary: `${name} IN (0, 1)`,
    multiclass: `${name} BETWEEN 0 AND ${task.task === "multiclass" ? task.classes.length - 1 : 0}`,
    regression: `isfinite(CAST(${name} AS DOUBLE))`,
  }[task.task];
  const said = {
    binary: "neither 0 nor 1",
    multiclass: "none of the classes",
    regression: "no finite number",
  }[task.task];
  const [wrong] = await db.rows(`SELECT count(*) AS n FROM ${table} WHERE ${name} IS NULL OR NOT (${fits})`);
  if (Number(wrong?.["n"]) > 0) throw new RangeError(`${String(wrong?.["n"])} rows have a label that is ${said}.`);
}

async function readNumbers(db: DuckDb, sql: string, rows: number): Promise<Float64Array> {
  const numbers = new Float64Array(rows);
  const result = await db.connection.stream(sql);
  let given = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const start = given;
    chunk.visitColumnValues(0, (value, index) => (numbers[start + index] = Number(value)));
    given += chunk.rowCount;
  }
  return numbers;
}

export function columnsByName(columns: FeatureTable["columns"]): FeatureColumns {
  return Object.fromEntries(columns.map(({ name, values }) => [name, values]));
}
