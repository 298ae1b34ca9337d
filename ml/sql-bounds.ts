import { atByte, isNode, placeOf, type Node } from "./sql-tree.ts";

/**
 * One call can take minutes (the square of a cell's length, or worse: GLOB with seven stars against 3,000 letters) or
 * gigabytes, and DuckDB looks for an interrupt between rows, never within one (measured with 1.5.6). LIKE and regular
 * expressions are linear.
 */
const boundless = new Set([
  "~~~",
  "!~~~",
  "glob",
  "levenshtein",
  "editdist3",
  "damerau_levenshtein",
  "jaro_similarity",
  "jaro_winkler_similarity",
  "repeat",
]);

/**
 * Functions whose one answer is as large as a number among their arguments says: 3 s after an interrupt, one range() over
 * 2e8 numbers had taken 2.2 GB. They are allowed where those numbers stand in the SQL itself and are small. After FROM they
 * give row after row, which an interrupt stops.
 */
const sized: Record<string, { from: number; to?: number }> = {
  range: { from: 0 },
  generate_series: { from: 0 },
  lpad: { from: 1, to: 2 },
  rpad: { from: 1, to: 2 },
  list_resize: { from: 1, to: 2 },
  array_resize: { from: 1, to: 2 },
  bitstring: { from: 1, to: 2 },
};
/** The longest list or text that one of them may make. */
const largestSize = 10_000;
/** Widths of %-10s and {:10}; a width may also be an argument: %*d, {:{}}. */
const formatted = new Set(["format", "printf"]);
const largeWidth = /\*|\{[^}]*\{|\d{4,}/;

/** Why a call is refused for what it can cost, with its place; null where it is not. */
export function boundlessFault(call: Node, sql: string): string | null {
  if (call["class"] !== "FUNCTION") return null;
  const name = String(call["function_name"]).toLowerCase();
  const place = placeOf(sql, atByte(sql, Number(call["query_location"])));
  if (boundless.has(name)) {
    const called = name.includes("~") ? "GLOB" : `The function ${name}()`;
    return `${called} is not allowed: one call can take time or memory without a bound${place}.`;
  }
  const args = Array.isArray(call["children"]) ? call["children"] : [];
  if (formatted.has(name)) {
    const text = literalOf(args[0]);
    return typeof text === "string" && !largeWidth.test(text)
      ? null
      : `The function ${name}() needs a format that stands in the SQL, with widths below 1000: its answer is as long as they say${place}.`;
  }
  const rule = sized[name];
  if (rule === undefined) return null;
  const isSmall = (size: unknown) => Math.abs(Number(literalOf(size) ?? Number.NaN)) <= largestSize;
  return args.slice(rule.from, rule.to).every(isSmall)
    ? null
    : `The function ${name}() needs numbers that stand in the SQL, up to ${largestSize}: its answer is as long as they say${place}.`;
}

/** The value of a constant, also of a negative one; undefined where it is anything else. */
function literalOf(node: unknown): unknown {
  if (!isNode(node)) return undefined;
  if (node["class"] === "FUNCTION" && node["function_name"] === "-" && Array.isArray(node["children"])) {
    const children: unknown[] = node["children"];
    const [only, more] = children;
    const value = more === undefined ? literalOf(only) : undefined;
    return typeof value === "number" ? -value : undefined;
  }
  return node["class"] === "CONSTANT" && isNode(node["value"]) ? node["value"]["value"] : undefined;
}
