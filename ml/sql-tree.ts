/** DuckDB's syntax tree, as json_serialize_sql gives it, and places in the SQL that it was made of. */
export type Node = { [key: string]: unknown };

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The syntax tree counts bytes of UTF-8; what it does not know is 2^64 - 1, or absent. */
export function atByte(sql: string, byte: number): number | null {
  const bytes = Buffer.from(sql);
  return Number.isInteger(byte) && byte >= 0 && byte <= bytes.length ? bytes.subarray(0, byte).toString().length : null;
}

/** A syntax error counts code points. */
export function atCodePoint(sql: string, count: number): number | null {
  return Number.isInteger(count) && count >= 0 ? Array.from(sql).slice(0, count).join("").length : null;
}

/** In words; empty where it is not known. */
export function placeOf(sql: string, at: number | null): string {
  if (at === null) return "";
  const before = sql.slice(0, at).split("\n");
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}
