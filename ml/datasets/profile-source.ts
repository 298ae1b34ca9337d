import type { Json } from "@duckdb/node-api";
import { sensitiveColumns } from "../../domain/contract-sensitivity.ts";
import type { ColumnSummary, NumberSummary, SourceProfile, Spread } from "../../domain/data-profile.ts";
import { edgesOf, numericShares } from "../drift/reference-profile.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import { closeValue, finite, isFloating, kindOf, lookClosely, notMeasured, type Seen, sharesOn } from "./close-look.ts";
import { spreadOfNumbers } from "./number-summary.ts";
import type { TypedSource } from "./typed-source.ts";

/** Up to so many rows, all are looked at closely; of more, a part that is the same each time. */
const closeRows = 100_000;
/** Cells that the close look holds in memory at once: some 200 MB of text. */
const closeCells = 4_000_000;
/** Each count of distinct values takes 2 MB a thread before it has seen a row. */
const columnsAtOnce = 50;
/** A profile of more columns is read by nobody, and takes longer than the stage. */
const mostColumns = 300;
/** Values of a column that are counted exactly; of more, a part of about this size: within 1 %. */
const countedValues = 20_000;
const deciles = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

type Column = TypedSource["columns"][number];

export interface Profiled {
  profile: SourceProfile;
  /** Shares over the bins that a column has in the reference, in their order; the rest of a category last. */
  onReference: Record<string, { shares: number[]; present: number }>;
}

/**
 * Describes a source: one pass over all rows for counts, bounds and moments, and a close look at
 * rows chosen by the hash of their number for quantiles, histogram and frequent values: the same
 * data gives the same profile, whatever the number of threads. With a `reference` it also says how
 * the rows spread over the bins that the columns had there.
 */
export async function profileSource(db: DuckDb, source: TypedSource, reference: SourceProfile | null): Promise<Profiled> {
  const earlier = new Map(reference?.columns.map((column) => [column.name, column.spread]));
  const onReference: Profiled["onReference"] = {};
  const columns = source.columns.slice(0, mostColumns);
  const { rows } = source.manifest;
  const width = Math.min(columns.length, columnsAtOnce);
  const every = Math.max(1, Math.ceil(rows / Math.min(closeRows, Math.floor(closeCells / Math.max(1, width)))));
  const masked = sensitiveColumns(source.table);
  const summaries: ColumnSummary[] = [];
  let sampled = rows;
  for (let first = 0; first < columns.length; first += columnsAtOnce) {
    const batch = columns.slice(first, first + columnsAtOnce);
    const whole = await overallCounts(db, source, { batch, estimate: every > 1 });
    const distinct = await distinctValues(db, source, { batch, whole, all: every > 1 });
    const close = batch.map((column, at) => `${closeValue(column)} AS c${at}`).join(", ");
    await db.run(
      `CREATE OR REPLACE TEMP TABLE close_look AS SELECT ${close} FROM (${source.raw}) ${every === 1 ? "" : `WHERE hash(row_id) % ${every} = 0`}`,
    );
    const [size] = await db.rows("SELECT count(*) AS n FROM close_look");
    sampled = Number(size?.["n"]);
    for (const [at, column] of batch.entries()) {
      const seen = await lookClosely(db, { column, name: `c${at}` });
      summaries.push(summarise({ column, at, whole, seen, distinct: distinct[at], masked: masked.has(column.name) }));
      const spread = earlier.get(column.name) ?? null;
      const shares = spread === null ? null : await sharesOn(db, { name: `c${at}`, seen, spread });
      if (shares !== null) onReference[column.name] = shares;
    }
  }
  await db.run("DROP TABLE IF EXISTS close_look");
  return { profile: { rows, sampled, columns: summaries, omitted: source.columns.length - columns.length }, onReference };
}

async function overallCounts(
  db: DuckDb,
  source: TypedSource,
  { batch, estimate }: { batch: Column[]; estimate: boolean },
): Promise<Record<string, Json>> {
  const parts = batch.flatMap((column, at) => {
    const kind = kindOf(column);
    const cell = quoteName(column.name);
    return [
      `count(*) - count(${cell}) AS missing${at}`,
      ...(estimate
        ? [`approx_count_distinct(${kind === "other" ? `CAST(${cell} AS VARCHAR)` : column.value}) AS distinct${at}`]
        : []),
      `${column.wrong === null ? "0" : `count_if(${column.wrong})`} AS unreadable${at}`,
      `${isFloating(column) ? `count_if(${notMeasured(column)})` : "0"} AS odd${at}`,
      ...(kind === "number"
        ? [
            `min(${finite(column)}) AS min${at}`,
            `max(${finite(column)}) AS max${at}`,
            `avg(${finite(column)}) AS mean${at}`,
            `stddev_samp(${finite(column)}) AS deviation${at}`,
          ]
        : kind === "time"
          ? [`CAST(min(${column.value}) AS VARCHAR) AS min${at}`, `CAST(max(${column.value}) AS VARCHAR) AS max${at}`]
          : []),
    ];
  });
  const [found = {}] = await db.rows(`SELECT ${parts.join(", ")} FROM (${source.raw})`);
  return found;
}

/**
 * How many values each column has, for those of which the close look does not tell. DuckDB's HyperLogLog is off by up to a quarter (measured), so it only
 * says which part of the hashes to count exactly: all of them below `countedValues`, else about so many.
 */
async function distinctValues(
  db: DuckDb,
  source: TypedSource,
  { batch, whole, all }: { batch: Column[]; whole: Record<string, Json>; all: boolean },
): Promise<({ values: number; exact: boolean } | undefined)[]> {
  const parts = batch.map((column, at) => {
    if (!all && !mayLookAlike(column, [whole[`min${at}`], whole[`max${at}`]].map(Number))) return null;
    const every = Math.max(1, Math.ceil(Number(whole[`distinct${at}`] ?? 0) / countedValues));
    const hash = `hash(CAST(${column.value} AS ${kindOf(column) === "other" ? "VARCHAR" : column.resultType}))`;
    const there = `${column.value} IS NOT NULL${every === 1 ? "" : ` AND ${hash} % ${every} = 0`}`;
    return { every, sql: `count(DISTINCT ${hash}) FILTER (WHERE ${there}) AS d${at}` };
  });
  const counted = parts.flatMap((part) => (part === null ? [] : [part.sql]));
  const [found = {}] = counted.length === 0 ? [] : await db.rows(`SELECT ${counted.join(", ")} FROM (${source.raw})`);
  return parts.map((part, at) =>
    part === null ? undefined : { values: Number(found[`d${at}`]) * part.every, exact: part.every === 1 },
  );
}

/** 64 bits hold whole numbers apart to 2^53 and fifteen decimal digits; beyond, different values may be one in the close look. */
function mayLookAlike({ resultType }: Column, bounds: number[]): boolean {
  const digits = /^DECIMAL\((\d+)/.exec(resultType)?.[1];
  if (digits !== undefined) return Number(digits) > 15;
  return /^U?(BIG|HUGE)INT$/.test(resultType) && !bounds.every((bound) => Number.isSafeInteger(bound));
}

interface Looked {
  column: Column;
  at: number;
  whole: Record<string, Json>;
  seen: Seen;
  /** Absent where the close look tells. */
  distinct: { values: number; exact: boolean } | undefined;
  masked: boolean;
}

function summarise({ column, at, whole, seen, distinct, masked }: Looked): ColumnSummary {
  const { kind, sorted, top } = seen;
  const [min, max] = [whole[`min${at}`], whole[`max${at}`]];
  const number = sorted === null || min === null || masked ? null : numberSummary(sorted, numbersAt(whole, at));
  return {
    name: column.name,
    type: column.type,
    kind,
    missing: Number(whole[`missing${at}`]),
    unreadable: Number(whole[`unreadable${at}`]),
    notFinite: Number(whole[`odd${at}`]),
    distinct: distinct?.values ?? seen.distinct,
    distinctExact: distinct?.exact ?? true,
    masked,
    number,
    time: kind === "time" && !masked && typeof min === "string" && typeof max === "string" ? { min, max } : null,
    top: masked ? [] : top,
    spread: masked ? null : spreadOf(seen, number),
  };
}

function numbersAt(whole: Record<string, Json>, at: number) {
  const value = (name: string) => Number(whole[`${name}${at}`] ?? 0);
  // Threads add up in an order of their own, and sums of doubles differ in the last digits by it.
  const rounded = (name: string) => Number(value(name).toPrecision(10));
  return { min: value("min"), max: value("max"), mean: rounded("mean"), deviation: rounded("deviation") };
}

function numberSummary(sorted: Float64Array, whole: ReturnType<typeof numbersAt>): NumberSummary {
  return { ...whole, ...spreadOfNumbers(sorted, whole) };
}

function spreadOf({ kind, sorted, present, top }: Seen, number: NumberSummary | null): Spread | null {
  if (kind === "time" || kind === "other" || present === 0) return null;
  if (sorted !== null) {
    if (number === null) return null;
    const edges = edgesOf(number.quantiles.filter(({ share }) => deciles.includes(share)).map(({ value }) => value));
    return { kind: "number", edges, shares: numericShares(edges, sorted).shares };
  }
  const values = Object.fromEntries(top.map(({ value, count }) => [value, count / present]));
  return { kind: "category", values, other: 1 - top.reduce((sum, { count }) => sum + count, 0) / present };
}
