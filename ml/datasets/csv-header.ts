import { open } from "node:fs/promises";
import type { Encoding } from "../../domain/definition-schema.ts";

/** Ten thousand columns of long names; a first line that is longer is no header. */
const headerBytes = 4 * 1024 * 1024;
const decoders: Record<Encoding, string> = { "utf-8": "utf-8", "utf-16": "utf-16le", "latin-1": "latin1" };

/**
 * The delimiter and the column names of a CSV file, from its first line; null when it has none.
 *
 * DuckDB's own sniffer is not asked: measured, it reads a file whose last line was cut off as one
 * column of whole lines, and one with an extra cell as a file without rows. With the dialect
 * fixed from the header, both are errors with a line number.
 */
export async function readCsvHeader(
  path: string,
  encoding: Encoding = "utf-8",
): Promise<{ delimiter: string; columns: string[] } | null> {
  const line = await firstLine(path, encoding);
  if (line === null || line.trim() === "" || line.includes("\0")) return null;
  const delimiters = [",", ";", "\t", "|"];
  const counts = delimiters.map((delimiter) => split(line, delimiter).length);
  const delimiter = delimiters[counts.indexOf(Math.max(...counts))] ?? ",";
  const columns = split(line, delimiter);
  return columns.some((column) => column === "") ? null : { delimiter, columns };
}

/** Null when the line does not end within the bytes that a header may have. */
async function firstLine(path: string, encoding: Encoding): Promise<string | null> {
  const file = await open(path, "r");
  try {
    let size = 64 * 1024;
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
      const text = new TextDecoder(decoders[encoding]).decode(buffer.subarray(0, bytesRead));
      const line = /^[^\r\n]*/.exec(text)?.[0] ?? "";
      if (line.length < text.length || bytesRead < size) return line;
      if (size >= headerBytes) return null;
      size *= 8;
    }
  } finally {
    await file.close();
  }
}

/** One line in cells, with double quotes as RFC 4180 has them. */
function split(line: string, delimiter: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '"') {
      if (quoted && line.charAt(at + 1) === '"') {
        cell += character;
        at += 1;
      } else quoted = !quoted;
    } else if (character === delimiter && !quoted) {
      cells.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  return [...cells, cell.trim()];
}
