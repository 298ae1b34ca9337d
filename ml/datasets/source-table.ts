import type { SourceManifest } from "../../domain/stage-results.ts";
import { quoteName, quoteText } from "../duckdb.ts";
import { readCsvHeader } from "./csv-header.ts";
import { readText } from "./text-cells.ts";

/** How one file is read. `columns` are those of the source, for JSON Lines, whose lines name their own. */
type FileForm = Pick<SourceManifest, "format" | "encoding"> & { columns?: { name: string }[] };

/**
 * SQL that reads one file, every column as it stands in it: CSV and JSON Lines as text (the sniffer
 * would turn yes/no into booleans), and with strict rules, so that a broken line is an error and
 * not a guess. Null for a CSV file without a header.
 */
export async function fileQuery(path: string, form: FileForm): Promise<string | null> {
  const { format, encoding = "utf-8" } = form;
  if (format === "parquet") return `read_parquet(${quoteText(path)}, file_row_number = true)`;
  if (format === "jsonl")
    return jsonLines(
      path,
      (form.columns ?? []).map((column) => column.name),
    );
  const header = await readCsvHeader(path, encoding);
  if (header === null) return null;
  const columns = textColumns(header.columns);
  // Not in parallel: the numbers of rows must be those of the file.
  return `read_csv(${quoteText(path)}, auto_detect = false, header = true, delim = ${quoteText(header.delimiter)}, quote = '"', escape = '"', columns = ${columns}, encoding = '${encoding}', parallel = false, strict_mode = true, null_padding = false, ignore_errors = false, max_line_size = 16777216)`;
}

function jsonLines(path: string, columns: string[]): string {
  return `read_json(${quoteText(path)}, format = 'newline_delimited', auto_detect = false, columns = ${textColumns(columns)}, maximum_object_size = 16777216, compression = 'uncompressed')`;
}

function textColumns(names: string[]): string {
  return `{${names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(", ")}}`;
}

/**
 * SELECT over a frozen source: its columns as they stand in the files, `row_id` (BIGINT, from 0,
 * in the order of files and rows) and `file_index`. `paths` has one path for each file of the
 * manifest. Two files with the same bytes have the same path, which is why rows are numbered by
 * place in the list and not by name. Rows out of the source's window are left out; those within
 * keep the numbers that they have in the files.
 */
export async function sourceQuery(manifest: SourceManifest, paths: string[]): Promise<string> {
  const columns = manifest.columns.map((column) => quoteName(column.name)).join(", ");
  const parts: string[] = [];
  let first = 0;
  for (const [index, file] of manifest.files.entries()) {
    const from = await fileQuery(paths[index] ?? "", manifest);
    const number = manifest.format === "parquet" ? "file_row_number" : "row_number() OVER () - 1";
    parts.push(`SELECT ${columns}, CAST(${number} + ${first} AS BIGINT) AS row_id, ${index} AS file_index FROM ${from}`);
    first += file.rows;
  }
  const all = parts.join("\nUNION ALL\n");
  return manifest.window === undefined ? all : `SELECT * FROM (${all}) WHERE ${withinWindow(manifest)}`;
}

/** SQL: true for rows of the window; a row without a readable time is in no window. */
export function withinWindow({ window, columns }: Pick<SourceManifest, "window" | "columns">): string {
  if (window === undefined) return "true";
  const column = quoteName(window.column);
  const bounds = [window.from, window.until].map((moment) => `CAST(${quoteText(moment)} AS TIMESTAMP)`);
  const timed = /^(TIMESTAMP|DATE)/.test(columns.find(({ name }) => name === window.column)?.type ?? "");
  // Of a time in Parquet, its own statistics leave out whole row groups; a cast would hide them.
  const time = timed ? column : readText(column, "timestamp", window.options);
  return `coalesce(${time} >= ${bounds[0]} AND ${time} < ${bounds[1]}, false)`;
}
