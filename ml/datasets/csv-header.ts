import { open } from "node:fs/promises";

const headerBytes = 64 * 1024;

/**
 * The delimiter and the column names of a CSV file, from its first line; null when it has none.
 *
 * DuckDB's own sniffer is not asked: measured, it reads a file whose last line was cut off as one
 * column of whole lines, and one with an extra cell as a file without rows. With the dialect
 * fixed from the header, both are errors with a line number.
 */
export async function readCsvHeader(path: string): Promise<{ delimiter: string; columns: string[] } | null> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    const text = buffer.toString("utf8", 0, bytesRead).replace(/^\uFEFF/, "");
    const line = /^[^\r\n]*/.exec(text)?.[0] ?? "";
    if (line.trim() === "" || line.includes("\0")) return null;
    const delimiters = [",", ";", "\t", "|"];
    const counts = delimiters.map((delimiter) => split(line, delimiter).length);
    const delimiter = delimiters[counts.indexOf(Math.max(...counts))] ?? ",";
    const columns = split(line, delimiter);
    return columns.some((column) => column === "") || new Set(columns).size < columns.length ? null : { delimiter, columns };
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
