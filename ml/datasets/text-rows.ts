import { type DuckDb, quoteName, quoteText } from "../duckdb.ts";
import { readText } from "./text-cells.ts";

/** A column of rows that came as text, and the type of DuckDB that it shall have. */
export interface TextColumn {
  name: string;
  type: string;
}

/** A column with cells that its type cannot hold exactly, and how many: what stands in them is the data's, and goes into no message. */
export interface UnfitColumn {
  name: string;
  type: string;
  cells: number;
}

/** One line of the form that `packRows` reads: what is there stands in quotes, what is not is \N. */
export function textRow(cells: (string | null)[]): string {
  return `${cells.map((cell) => (cell === null ? "\\N" : `"${cell.replaceAll('"', '""')}"`)).join(",")}\n`;
}

/**
 * Packs lines of `textRow` into Parquet, in the order of the values: a database gives its rows in any
 * order, and the same rows shall be the same bytes. `db` has one thread. Gives the first column with cells that are not
 * exactly values of its type, where there is one; then nothing is packed.
 */
export async function packRows(
  db: DuckDb,
  files: { text: string; parquet: string },
  columns: TextColumn[],
): Promise<UnfitColumn | null> {
  const read = `read_csv(${quoteText(files.text)}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', nullstr = '\\N', allow_quoted_nulls = false, columns = {${columns.map(({ name }) => `${quoteText(name)}: 'VARCHAR'`).join(", ")}}, parallel = false, strict_mode = true, max_line_size = 16777216)`;
  const typed = columns.map((column) => `${valueOf(column)} AS ${quoteName(column.name)}`).join(", ");
  const unfit = await unfitColumn(db, read, columns);
  if (unfit !== null) return unfit;
  await db.run(
    `COPY (SELECT ${typed} FROM ${read} ORDER BY ALL) TO ${quoteText(files.parquet)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return null;
}

/** `NaN` and infinities stay what they are; who reads them tells. A time keeps the microseconds that the database has. */
function valueOf({ name, type }: TextColumn): string {
  const cell = quoteName(name);
  if (type === "VARCHAR") return cell;
  if (type !== "DOUBLE" && type !== "FLOAT") return `TRY_CAST(${cell} AS ${type})`;
  const odd = `CASE WHEN NOT isfinite(TRY_CAST(${cell} AS DOUBLE)) AND regexp_full_match(${cell}, '-?[A-Za-z]+') THEN TRY_CAST(${cell} AS ${type}) END`;
  return `coalesce(CAST(${readText(cell, "number")} AS ${type}), ${odd})`;
}

async function unfitColumn(db: DuckDb, read: string, columns: TextColumn[]): Promise<UnfitColumn | null> {
  const checked = columns.filter(({ type }) => type !== "VARCHAR");
  if (checked.length === 0) return null;
  const counts = checked.map(
    (column, at) => `count_if(${quoteName(column.name)} IS NOT NULL AND (${valueOf(column)}) IS NULL) AS c${at}`,
  );
  const [found = {}] = await db.rows(`SELECT ${counts.join(", ")} FROM ${read}`);
  for (const [at, { name, type }] of checked.entries()) {
    const cells = Number(found[`c${at}`]);
    if (cells > 0) return { name, type, cells };
  }
  return null;
}
