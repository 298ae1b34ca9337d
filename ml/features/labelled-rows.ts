import type { DuckDBConnection } from "@duckdb/node-api";
import type { ColumnType } from "../../domain/definition-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import { type DuckDb, quoteName, quoteText, shortMessage } from "../duckdb.ts";
import { checkSelect, SqlRefusal } from "../sql-check.ts";
import type { Task } from "../../domain/task.ts";
import type { TypedSource } from "../datasets/typed-source.ts";
import { labelTypes } from "./label-spec.ts";
import { requestValues } from "./request-rows.ts";

const path = "label.sql";

/**
 * Writes the rows that have a label to a Parquet file: `row_id`, the request columns in their
 * declared types, `labelled at` and `labelled group` (null without one) and `label` (0 or 1, a class's
 * name, a number). Only the request columns go further: features.sql cannot reach what is not declared as known at request time. Throws `feature-sql`, `source-schema`.
 */
export async function writeLabelledRows(
  db: DuckDb,
  input: {
    source: TypedSource;
    label: string;
    task: Task;
    request: Record<string, ColumnType>;
    time: string | undefined;
    group: string | undefined;
    file: string;
  },
): Promise<{ label: string; values: Record<string, string> }> {
  const { request, time, group, task } = input;
  const source = input.source.name;
  const columns = new Map(
    (await db.rows(`DESCRIBE ${quoteName(source)}`)).map((column) => [
      String(column["column_name"]),
      String(column["column_type"]),
    ]),
  );
  const faults: Fault[] = [];
  for (const name of Object.keys(request)) {
    const at = `features.request.${name}`;
    if (["row_id", "label"].includes(name.toLowerCase()))
      faults.push({ path: at, message: `${name} is a name of our own; rename the column` });
    else if (!columns.has(name))
      faults.push({
        path: at,
        message: `${source} has no column ${name}; it has ${[...columns.keys()].filter((one) => one !== "row_id").join(", ")}`,
      });
  }
  if (time !== undefined && !/^(TIMESTAMP|DATE)/.test(columns.get(time) ?? ""))
    faults.push({
      path: `data.sources.${source}.time`,
      message: columns.has(time) ? `${time} is ${columns.get(time)}, and not a time` : `${source} has no column ${time}`,
    });
  if (group !== undefined && !columns.has(group))
    faults.push({ path: "split.group", message: `${source} has no column ${group}` });
  const [first] = faults;
  if (first !== undefined) throw new CountersignError("source-schema", `${first.path}: ${first.message}.`, { faults });
  const label = await labelExpression(db, source, { sql: input.label, task });
  const values = await requestValues(db, input.source, { request, label });
  const selected = Object.entries(values).map(([name, value]) => `${value} AS ${quoteName(name)}`);
  const moment = time === undefined ? "CAST(NULL AS TIMESTAMP)" : `CAST(${quoteName(time)} AS TIMESTAMP)`;
  try {
    await db.run(
      `COPY (SELECT row_id, ${selected.join(", ")}, ${moment} AS "labelled at", ${group === undefined ? "NULL" : quoteName(group)}::VARCHAR AS "labelled group", CAST(${label} AS ${labelTypes[task].sql}) AS label FROM ${quoteName(source)} WHERE ${label} IS NOT NULL) TO ${quoteText(input.file)} (FORMAT parquet)`,
    );
  } catch (error) {
    if (error instanceof CountersignError || !(error instanceof Error) || !/Error:/.test(error.message)) throw error;
    const message = shortMessage(error);
    throw new CountersignError("feature-sql", `The request columns or ${path} fail: ${message}`, {
      faults: [{ path, message }],
      cause: error,
    });
  }
  return { label, values };
}

/** A label as a query of the row source, and how many characters stand before the label's own. */
export function labelQuery(label: string, source: string): { sql: string; before: number } {
  const head = "SELECT (";
  return { sql: `${head}${label}\n) AS label FROM ${quoteName(source)}`, before: head.length };
}

/** Throws `feature-sql` unless the syntax tree of a label is one expression over the row source. */
export async function checkLabel(connection: DuckDBConnection, label: string, source: string): Promise<void> {
  const rules = { path, tables: [source] };
  const { tree } = await checkSelect(connection, labelQuery(label, source).sql, rules);
  const node = tree["node"];
  // "a) FROM flights WHERE (b" would be one SELECT too.
  const single =
    isRecord(node) &&
    node["type"] === "SELECT_NODE" &&
    Array.isArray(node["select_list"]) &&
    node["select_list"].length === 1 &&
    node["where_clause"] === null &&
    node["qualify"] === null &&
    isRecord(node["from_table"]) &&
    node["from_table"]["type"] === "BASE_TABLE" &&
    Array.isArray(node["modifiers"]) &&
    node["modifiers"].length === 0 &&
    node["having"] === null;
  if (!single) throw new SqlRefusal(rules, [{ message: "It must be one expression.", at: null }]);
}

/** The label's expression in parentheses, of the type that the task takes. */
async function labelExpression(db: DuckDb, source: string, { sql, task }: { sql: string; task: Task }): Promise<string> {
  await checkLabel(db.connection, sql, source);
  const expression = `(${sql}\n)`;
  const refuse = (message: string, cause?: unknown) =>
    new CountersignError("feature-sql", `${path} fails: ${message}`, { faults: [{ path, message }], cause });
  let type: string;
  try {
    // row_id beside it makes an aggregate an error.
    const described = await db.rows(`DESCRIBE SELECT row_id, ${expression} AS label FROM ${quoteName(source)}`);
    type = String(described[1]?.["column_type"]);
  } catch (error) {
    throw refuse(shortMessage(error), error);
  }
  const { takes, wanted } = labelTypes[task];
  if (!takes.test(type)) throw refuse(`It gives ${type}, and must give ${wanted}.`);
  return expression;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
