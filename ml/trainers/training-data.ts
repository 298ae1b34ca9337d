import { openDuckDb, quoteName, quoteText } from "../duckdb.ts";
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
  /** 0 or 1. */
  labels: Uint8Array;
}

export interface TableRequest {
  path: string;
  features: Feature[];
  /** The label's column; null where the table has none (`labels` is empty then). */
  label: string | null;
  /** The first rows only. */
  limit?: number;
  /** A column to sort by; else the order of the file. */
  orderBy?: string;
}

/** Features and label of a Parquet file. Throws where a column lacks, and a RangeError where a label is neither 0 nor 1. */
export async function readTrainingData({ path, features, label, limit, orderBy }: TableRequest): Promise<TrainingData> {
  const db = await openDuckDb({ threads: 1 });
  try {
    const table = `read_parquet(${quoteText(path)})`;
    const [counted] = await db.rows(`SELECT count(*) AS n FROM ${table}`);
    const rows = Math.min(Number(counted?.["n"]), limit ?? Number.POSITIVE_INFINITY);
    if (label !== null) {
      const [wrong] = await db.rows(
        `SELECT count(*) AS n FROM ${table} WHERE ${quoteName(label)} IS NULL OR ${quoteName(label)} NOT IN (0, 1)`,
      );
      if (Number(wrong?.["n"]) > 0) throw new RangeError(`${String(wrong?.["n"])} rows have a label that is neither 0 nor 1.`);
    }
    const columns = features.map(({ name, type }) => `CAST(${quoteName(name)} AS ${type === "float" ? "FLOAT" : "VARCHAR"})`);
    const selected = ["0", ...columns, ...(label === null ? [] : [quoteName(label)])].join(", ");
    const order = orderBy === undefined ? "" : ` ORDER BY ${quoteName(orderBy)}`;
    const sql = `SELECT ${selected} FROM ${table}${order} LIMIT ${rows}`;
    const read = await readFeatureTable(db.connection, { sql, features, labelled: label !== null, rows });
    return { rows, columns: columnsByName(read.columns), labels: read.labels ?? new Uint8Array(0) };
  } finally {
    db.close();
  }
}

export function columnsByName(columns: FeatureTable["columns"]): FeatureColumns {
  return Object.fromEntries(columns.map(({ name, values }) => [name, values]));
}
