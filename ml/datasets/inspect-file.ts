import type { Json } from "@duckdb/node-api";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Encoding, SourceFormat } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import { readCsvHeader } from "./csv-header.ts";
import { twinNames, twinsInWords } from "./column-twins.ts";
import { type DuckDb, quoteText } from "../duckdb.ts";
import { findDamagedColumn } from "./page-checksums.ts";
import { fileQuery } from "./source-table.ts";
import { unreadableFile } from "./unreadable-file.ts";

export interface FileContent {
  format: SourceFormat;
  rows: number;
  columns: { name: string; type: string }[];
}

/** More are no table: the profile, the contract and SQL would each take minutes. */
const mostColumns = 20_000;
/** Columns whose values are hashed in one query: the memory of more would grow with the width of the table. */
const columnsAtOnce = 500;

const noRows = "Deliver the file with its rows, or take it out of the files that data.sources names, then retry.";

interface InspectedFile {
  source: string;
  name: string;
  path: string;
  format: SourceFormat;
  encoding: Encoding;
}

/**
 * Reads a file whole, so that a page that is damaged in its middle is found here and not three
 * stages later (80,789 rows: 0.1 s). Throws `source-unreadable` naming the file.
 */
export async function inspectFile(db: DuckDb, file: InspectedFile): Promise<FileContent> {
  const refuse = (reason: string, cure: string, cause?: unknown) => {
    const message = `${file.name} ${reason}`;
    return new CountersignError("source-unreadable", message, {
      faults: [{ path: `data.sources.${file.source}.files`, message }],
      cure,
      cause,
    });
  };
  const { format, encoding } = file;
  if ((await stat(file.path)).size === 0) throw refuse("is empty.", noRows);
  const disguise = await otherEncoding(file);
  if (disguise !== null)
    throw refuse(
      `is ${disguise}, and ${encoding === "utf-8" ? "UTF-8" : encoding} was expected.`,
      `Unpack or convert the file, or say its format and encoding in data.sources, then retry.`,
    );
  try {
    const keys = format === "jsonl" ? await jsonKeys(db, file.path) : [];
    if (format === "jsonl" && keys.length === 0) throw refuse("has no line that is an object with a name and a value.", noRows);
    const names = format === "jsonl" ? keys : await columnNames(db, file);
    const twins = twinNames(names);
    if (twins !== null) throw refuse(`has ${twinsInWords(twins)}.`, "Rename one of the two columns, then retry.");
    const query = await fileQuery(file.path, { format, encoding, columns: keys.map((name) => ({ name })) });
    if (query === null)
      throw refuse(
        "has no line of distinct column names at its beginning.",
        "Give the file a first line of distinct column names, then retry.",
      );
    // DuckDB drops a last row whose quote is never closed, without a word (measured with 1.5.6).
    if (format === "csv" && (await countQuotes(file.path)) % 2 === 1)
      throw refuse(
        "cannot be read: a quoted value in it is never closed.",
        "Close the quoted value, or double the quote that is meant as one, then retry.",
      );
    const selected = format === "parquet" ? `SELECT * EXCLUDE (file_row_number) FROM ${query}` : `SELECT * FROM ${query}`;
    const described = await db.rows(`DESCRIBE ${selected}`);
    const columns = described.map((column) => ({
      name: String(column["column_name"]),
      type: String(column["column_type"]),
    }));
    if (columns.length > mostColumns)
      throw refuse(
        `has ${columns.length} columns, and ${mostColumns} are the most.`,
        "Leave out columns that nobody needs, then retry.",
      );
    if (format === "parquet") await checkPages(db, file.path, refuse);
    const rows = await readThrough(db, { selected, format, width: columns.length });
    if (rows === 0) throw refuse("holds no rows.", noRows);
    return { format, rows, columns };
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    const { why, cure } = unreadableFile(error instanceof Error ? error.message : String(error), format);
    throw refuse(`cannot be read: ${why ?? reasonOf(error, file)}`, cure, error);
  }
}

/** A checksum that does not hold is told before the reader meets the page, of which it may make anything. */
async function checkPages(db: DuckDb, path: string, refuse: (reason: string, cure: string) => CountersignError): Promise<void> {
  const damage = await findDamagedColumn(db, path);
  if (damage === null) return;
  throw refuse(
    `is damaged: a page of the column ${damage.column} in row group ${damage.rowGroup} (counted from 0) does not have the checksum that it was written with.`,
    "Copy the file again from where it is whole, or write it again, then retry.",
  );
}

/** Has every value decoded, and counts the rows. */
async function readThrough(db: DuckDb, input: { selected: string; format: SourceFormat; width: number }): Promise<number> {
  // The rows of text are split and decoded by counting; Parquet's pages are decoded by being hashed.
  if (input.format !== "parquet" && input.width > columnsAtOnce) {
    const [total] = await db.rows(`SELECT count(*) AS n FROM (${input.selected})`);
    return Number(total?.["n"]);
  }
  const [total] = await db.rows(`SELECT count(*) AS n, bit_xor(hash(t)) AS touched FROM (${input.selected}) AS t`);
  return Number(total?.["n"]);
}

/** As the file has them: DuckDB renames the second of two that differ in case only, without a word. */
async function columnNames(db: DuckDb, { path, format, encoding }: InspectedFile): Promise<string[]> {
  if (format === "csv") return (await readCsvHeader(path, encoding))?.columns ?? [];
  const found = await db.rows(`SELECT name, num_children FROM parquet_schema(${quoteText(path)})`);
  const names: string[] = [];
  // The schema is a tree in depth-first order, the root first; only its own children are columns.
  for (let at = 1; at < found.length; at = after(found, at)) names.push(String(found[at]?.["name"]));
  return names;
}

function after(schema: Record<string, Json>[], at: number): number {
  let next = at + 1;
  for (let child = 0; child < Number(schema[at]?.["num_children"] ?? 0); child += 1) next = after(schema, next);
  return next;
}

/** The names that the lines of a JSON Lines file use, in the order in which they first occur. */
async function jsonKeys(db: DuckDb, path: string): Promise<string[]> {
  const objects = `read_json_objects(${quoteText(path)}, format = 'newline_delimited', maximum_object_size = 16777216, compression = 'uncompressed')`;
  const [strange] = await db.rows(`SELECT count(*) AS n FROM ${objects} WHERE json_type(json) <> 'OBJECT'`);
  if (Number(strange?.["n"]) > 0) throw new Error(`${String(strange?.["n"])} of its lines are no object`);
  const found = await db.rows(
    `SELECT key FROM (SELECT unnest(json_keys(json)) AS key, generate_subscripts(json_keys(json), 1) AS nth, row_number() OVER () AS line FROM ${objects}) GROUP BY key ORDER BY min(line * 1000000 + nth)`,
  );
  return found.map((row) => String(row["key"]));
}

/** What the first bytes say against the encoding that the definition names. */
async function otherEncoding({ path, format, encoding }: InspectedFile): Promise<string | null> {
  if (format === "parquet") return null;
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const mark = buffer.toString("hex");
    if (mark.startsWith("1f8b")) return "packed with gzip";
    if (mark.startsWith("504b0304")) return "a zip archive (or a spreadsheet)";
    if (mark.startsWith("50415231")) return "Parquet";
    if (encoding !== "utf-16" && /^(fffe|feff)/.test(mark)) return "UTF-16 by its first bytes";
    return encoding === "utf-16" && mark.startsWith("feff") ? "big-endian UTF-16" : null;
  } finally {
    await file.close();
  }
}

async function countQuotes(path: string): Promise<number> {
  const quote = 0x22;
  let quotes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes: unknown = chunk;
    if (!Buffer.isBuffer(bytes)) continue;
    for (let at = bytes.indexOf(quote); at !== -1; at = bytes.indexOf(quote, at + 1)) quotes += 1;
  }
  return quotes;
}

function reasonOf(error: unknown, { path, encoding }: InspectedFile): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = /CSV Error on Line: (\d+)/.exec(text)?.[1];
  if (line !== undefined) {
    if (/not utf-8|unicode/i.test(text))
      return `line ${line}: there are bytes that are no ${encoding === "utf-8" ? "UTF-8" : encoding}; if it is Latin-1, say encoding: latin-1 at the source`;
    // The reader quotes the line: of what it says only these are told.
    const cause =
      /Expected Number of Columns: \d+ Found: \d+/.exec(text)?.[0] ??
      /Value with unterminated quote found|Maximum line size of \d+ bytes exceeded/.exec(text)?.[0] ??
      "the line is broken";
    return `line ${line}: ${cause}`;
  }
  return readersWords(text, path);
}

/** What a reader says before it quotes anything of the file. */
function readersWords(text: string, path: string): string {
  const name = path.split("/").at(-1) ?? path;
  const words = text.replaceAll(path, name).replaceAll(/\s+/g, " ");
  const [said = ""] = words.replaceAll(/(?:(?: at end)? of| in)?(?: file)? ?["']?\b[0-9a-f]{64}\b["']?/gi, "").split(/["']/);
  return said.trim().slice(0, 200) || "its bytes are no such file";
}
