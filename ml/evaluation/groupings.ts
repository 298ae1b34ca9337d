import { CountersignError } from "../../domain/errors.ts";
import type { ColumnType } from "../../domain/definition-schema.ts";
import { openDuckDb, quoteName, quoteText, shortMessage } from "../duckdb.ts";
import { quantile } from "../metrics/bootstrap.ts";
import { checkSelect } from "../sql-check.ts";

/** The rows divided by a column: each belongs to one group, or to none (−1). */
export interface Grouping {
  column: string;
  groups: string[];
  of: Int16Array;
}

/** A request column of the held-out rows, by row_id; NaN and null where missing, moments as milliseconds since 1970. */
export type RequestColumn =
  | { name: string; kind: "text"; values: (string | null)[] }
  | { name: string; kind: "number" | "moment"; values: Float64Array };

/** A number with up to so many values is taken by value, one with more by bands. */
const distinctNumbers = 8;
/** Of a text, the most frequent values are groups of their own. */
const distinctTexts = 12;

export async function readRequestColumns(
  path: string,
  request: Record<string, ColumnType>,
  signal: AbortSignal,
): Promise<RequestColumn[]> {
  const db = await openDuckDb({ threads: 1, signal });
  try {
    const entries = Object.entries(request);
    const selected = entries.map(([name, type]) => {
      const column = quoteName(name);
      if (type === "timestamp") return `epoch_ms(CAST(${column} AS TIMESTAMP))`;
      return type === "number" || type === "integer" ? `CAST(${column} AS DOUBLE)` : `CAST(${column} AS VARCHAR)`;
    });
    const table = `read_parquet(${quoteText(path)})`;
    const result = await db.connection.runAndReadAll(`SELECT ${selected.join(", ")} FROM ${table} ORDER BY row_id`);
    const columns = result.getColumns();
    return entries.map(([name, type], index): RequestColumn => {
      const values = columns[index] ?? [];
      if (type === "string" || type === "boolean")
        return { name, kind: "text", values: values.map((value) => (value === null ? null : String(value))) };
      const numbers = Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
      return { name, kind: type === "timestamp" ? "moment" : "number", values: numbers };
    });
  } finally {
    db.close();
  }
}

/** Groups by value, or by bands between `edges` (quartiles where none are given). */
export function groupBy(column: RequestColumn, edges?: number[]): Grouping {
  if (column.kind === "text") return byValue(column.name, column.values);
  if (column.kind === "moment") return byHour(column.name, column.values);
  const present = column.values.filter((value) => Number.isFinite(value)).sort();
  const distinct = new Set(present);
  if (edges === undefined && distinct.size <= distinctNumbers)
    return byValue(
      column.name,
      Array.from(column.values, (value) => (Number.isFinite(value) ? String(value) : null)),
      [...distinct].map(String),
    );
  if (present.length === 0) return { column: column.name, groups: [], of: new Int16Array(column.values.length).fill(-1) };
  const cuts = [...new Set(edges ?? [0.25, 0.5, 0.75].map((share) => quantile(present, share)))];
  const words = (value: number) => String(Number(value.toPrecision(4)));
  const groups = [
    `below ${words(cuts[0]!)}`,
    ...cuts.slice(1).map((cut, index) => `${words(cuts[index]!)} to below ${words(cut)}`),
    `${words(cuts.at(-1)!)} and above`,
  ];
  const of = Int16Array.from(column.values, (value) => {
    if (!Number.isFinite(value)) return groups.length;
    const place = cuts.findIndex((cut) => value < cut);
    return place === -1 ? cuts.length : place;
  });
  return withMissing(column.name, groups, of);
}

function byValue(name: string, values: (string | null)[], order?: string[]): Grouping {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  const groups =
    order ??
    [...counts]
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, distinctTexts)
      .map(([value]) => value);
  const places = new Map(groups.map((group, index) => [group, index]));
  const of = Int16Array.from(values, (value) => (value === null ? groups.length : (places.get(value) ?? -1)));
  return withMissing(name, groups, of);
}

function byHour(name: string, values: Float64Array): Grouping {
  const groups = ["0 to 5 h UTC", "6 to 11 h UTC", "12 to 17 h UTC", "18 to 23 h UTC"];
  const of = Int16Array.from(values, (value) =>
    Number.isFinite(value) ? Math.floor(new Date(value).getUTCHours() / 6) : groups.length,
  );
  return withMissing(name, groups, of);
}

/** Rows whose value is missing are a group of their own where there are any. */
function withMissing(column: string, groups: string[], of: Int16Array): Grouping {
  return of.includes(groups.length) ? { column, groups: [...groups, "missing"], of } : { column, groups, of };
}

/** 1 where the row lies in the group. */
export function maskOf({ of }: Grouping, group: number): Uint8Array {
  const mask = new Uint8Array(of.length);
  for (let row = 0; row < of.length; row += 1) if (of[row] === group) mask[row] = 1;
  return mask;
}

/** The query of a slice's condition, and how many characters stand before the condition's own. */
export function conditionQuery(where: string): { sql: string; before: number } {
  const head = "SELECT row_id, CAST((";
  return { sql: `${head}${where}\n) AS BOOLEAN) AS hit FROM request`, before: head.length };
}

/**
 * The rows for which each of a definition's conditions holds. The conditions are other people's SQL:
 * parsed and checked before they run, in a database that opens this one file and nothing else.
 */
export async function readConditions(
  path: string,
  conditions: { name: string; where: string }[],
  signal: AbortSignal,
): Promise<{ name: string; mask: Uint8Array }[]> {
  const db = await openDuckDb({ threads: 1, memoryMb: 512, signal });
  try {
    await db.run(`CREATE VIEW request AS SELECT * EXCLUDE (label) FROM read_parquet(${quoteText(path)})`);
    await db.harden([path]);
    const found: { name: string; mask: Uint8Array }[] = [];
    for (const { name, where } of conditions) {
      const { sql } = await checkSelect(db.connection, conditionQuery(where).sql, {
        path: "evaluate.slices",
        tables: ["request"],
        code: "evaluation-failed",
      });
      const result = await db.run(`SELECT hit FROM (${sql}\n) ORDER BY row_id`).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new CountersignError("evaluation-failed", `The slice "${name}" cannot be told: ${shortMessage(error)}.`, {
          faults: [{ path: "evaluate.slices", message: `the condition of "${name}" fails` }],
          cause: error,
        });
      });
      found.push({ name, mask: Uint8Array.from((await result.getColumns())[0] ?? [], (value) => (value === true ? 1 : 0)) });
    }
    return found;
  } finally {
    db.close();
  }
}
