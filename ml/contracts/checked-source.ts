import { sensitiveColumns } from "../../domain/contract-sensitivity.ts";
import { type TypedSource, typedSelect } from "../datasets/typed-source.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import type { Rule } from "./rule.ts";

/** A source in the database of the check, under two names. */
export interface CheckedSource {
  source: TypedSource;
  /** View over the files as they are, with row_id and file_index, for our own rules. */
  view: string;
  sensitive: Set<string>;
}

/** Whether examples of a rule's rows would say a value of a sensitive column. */
export function showsSensitive({ sensitive }: CheckedSource, { shows }: Rule): boolean {
  return shows.some((column) => sensitive.has(column));
}

/** Whether a rule is a query that names a sensitive column of any source: what it gives may be a value of it. */
export function asksSensitive(sources: Iterable<CheckedSource>, { measure }: Rule): boolean {
  if (measure.kind !== "query") return false;
  const sql = measure.sql.toLowerCase();
  return [...sources].some(({ sensitive }) => [...sensitive].some((column) => sql.includes(column.toLowerCase())));
}

/** Two views: the files as they are, and with the contract's types (by the source's name) for SQL of the contract. */
export async function openChecked(db: DuckDb, source: TypedSource): Promise<CheckedSource> {
  const view = quoteName(`files of ${source.name}`);
  await db.run(`CREATE VIEW ${view} AS ${source.raw}`);
  await db.run(
    `CREATE VIEW ${quoteName(source.name)} AS SELECT * EXCLUDE (row_id) FROM (${typedSelect({ ...source, raw: `SELECT * FROM ${view}` })})`,
  );
  return { source, view, sensitive: sensitiveColumns(source.table) };
}
