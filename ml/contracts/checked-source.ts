import { sensitiveColumns } from "../../domain/contract-sensitivity.ts";
import { type TypedSource, typedSelect } from "../datasets/typed-source.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";

/** A source in the database of the check, under two names. */
export interface CheckedSource {
  source: TypedSource;
  /** View over the files as they are, with row_id and file_index, for our own rules. */
  view: string;
  sensitive: Set<string>;
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
