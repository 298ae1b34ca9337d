import type { SourceManifest } from "../../domain/stage-results.ts";
import { quoteName, quoteText } from "../duckdb.ts";
import { readCsvHeader } from "./csv-header.ts";

/**
 * SQL that reads one file, every column as it stands in it: CSV as text (the sniffer would turn
 * yes/no into booleans), and with strict rules, so that a broken line is an error and not a guess.
 */
export async function fileQuery(path: string, format: SourceManifest["format"]): Promise<string | null> {
  if (format === "parquet") return `read_parquet(${quoteText(path)}, file_row_number = true)`;
  const header = await readCsvHeader(path);
  if (header === null) return null;
  const columns = header.columns.map((column) => `${quoteText(column)}: 'VARCHAR'`).join(", ");
  // Not in parallel: the numbers of rows must be those of the file.
  return `read_csv(${quoteText(path)}, auto_detect = false, header = true, delim = ${quoteText(header.delimiter)}, quote = '"', escape = '"', columns = {${columns}}, parallel = false, strict_mode = true, null_padding = false, ignore_errors = false)`;
}

/**
 * SELECT over a frozen source: its columns as they stand in the files, `row_id` (BIGINT, from 0,
 * in the order of files and rows) and `file_index`. `paths` has one path for each file of the
 * manifest. Two files with the same bytes have the same path, which is why rows are numbered by
 * place in the list and not by name.
 */
export async function sourceQuery(manifest: SourceManifest, paths: string[]): Promise<string> {
  const columns = manifest.columns.map((column) => quoteName(column.name)).join(", ");
  const parts: string[] = [];
  let first = 0;
  for (const [index, file] of manifest.files.entries()) {
    const from = await fileQuery(paths[index] ?? "", manifest.format);
    const number = manifest.format === "parquet" ? "file_row_number" : "row_number() OVER () - 1";
    parts.push(`SELECT ${columns}, CAST(${number} + ${first} AS BIGINT) AS row_id, ${index} AS file_index FROM ${from}`);
    first += file.rows;
  }
  return parts.join("\nUNION ALL\n");
}
