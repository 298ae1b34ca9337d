import { type DuckDb, quoteName, quoteText } from "../duckdb.ts";

/** A column of rows that came as text, and the type of DuckDB that it shall have. */
export interface TextColumn {
  name: string;
  type: string;
}

/** One line of the form that `packRows` reads: what is there stands in quotes, what is not is \N. */
export function textRow(cells: (string | null)[]): string {
  return `${cells.map((cell) => (cell === null ? "\\N" : `"${cell.replaceAll('"', '""')}"`)).join(",")}\n`;
}

/**
 * Packs lines of `textRow` into Parquet, in the order of the values: a database gives its rows in any
 * order, and the same rows shall be the same bytes. `db` has one thread. Throws DuckDB's error when
 * a cell is not of its type.
 */
export async function packRows(db: DuckDb, files: { text: string; parquet: string }, columns: TextColumn[]): Promise<void> {
  const read = `read_csv(${quoteText(files.text)}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', nullstr = '\\N', allow_quoted_nulls = false, columns = {${columns.map(({ name }) => `${quoteText(name)}: 'VARCHAR'`).join(", ")}}, parallel = false, strict_mode = true, max_line_size = 16777216)`;
  const typed = columns.map(({ name, type }) => `CAST(${quoteName(name)} AS ${type}) AS ${quoteName(name)}`).join(", ");
  await db.run(
    `COPY (SELECT ${typed} FROM ${read} ORDER BY ALL) TO ${quoteText(files.parquet)} (FORMAT parquet, COMPRESSION zstd)`,
  );
}
