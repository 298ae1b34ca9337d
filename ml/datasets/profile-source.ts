import type { Json } from "@duckdb/node-api";
import { sensitiveColumns } from "../../domain/contract-sensitivity.ts";
import type { ColumnSummary, NumberSummary, SourceProfile, Spread } from "../../domain/data-profile.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import { edgesOf } from "../drift/reference-profile.ts";
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
const topValues = 20;
const histogramBins = 20;
const quantileShares = [0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99];
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
    const whole = await overallCounts(db, source, batch);
    const distinct = await distinctValues(db, source, { batch, whole });
    const close = batch.map((column, at) => `${looked(column)} AS c${at}`).join(", ");
    await db.run(
      `CREATE OR REPLACE TEMP TABLE close_look AS SELECT ${close} FROM (${source.raw}) ${every === 1 ? "" : `WHERE hash(row_id) % ${every} = 0`}`,
    );
    const [size] = await db.rows("SELECT count(*) AS n FROM close_look");
    sampled = Number(size?.["n"]);
    for (const [at, column] of batch.entries()) {
      summaries.push(await summarise(db, { column, at, whole, distinct: distinct[at], masked: masked.has(column.name) }));
      const spread = earlier.get(column.name) ?? null;
      const shares = spread === null ? null : await sharesOn(db, { name: `c${at}`, kind: kindOf(column), spread });
      if (shares !== null) onReference[column.name] = shares;
    }
  }
  await db.run("DROP TABLE IF EXISTS close_look");
  return { profile: { rows, sampled, columns: summaries, omitted: source.columns.length - columns.length }, onReference };
}

function kindOf(column: Column): ColumnSummary["kind"] {
  const { resultType: type } = column;
  if (/^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/.test(type)) return "number";
  if (/^(TIMESTAMP|DATE)/.test(type)) return "time";
  if (type === "BOOLEAN") return "boolean";
  return /^(VARCHAR|ENUM|UUID)/.test(type) ? "text" : "other";
}

/** What the close look holds of a column: numbers in 64 bits without what is not finite, all else as text. */
function looked(column: Column): string {
  const kind = kindOf(column);
  if (kind === "number") return finite(column);
  return `CAST(${column.value} AS VARCHAR)`;
}

function finite({ value, resultType }: Column): string {
  const number = `CAST(${value} AS DOUBLE)`;
  return resultType === "FLOAT" || resultType === "DOUBLE" ? `CASE WHEN isfinite(${number}) THEN ${number} END` : number;
}

async function overallCounts(db: DuckDb, source: TypedSource, batch: Column[]): Promise<Record<string, Json>> {
  const parts = batch.flatMap((column, at) => {
    const kind = kindOf(column);
    const cell = quoteName(column.name);
    const floating = column.resultType === "FLOAT" || column.resultType === "DOUBLE";
    return [
      `count(*) - count(${cell}) AS missing${at}`,
      `approx_count_distinct(${kind === "other" ? `CAST(${cell} AS VARCHAR)` : column.value}) AS distinct${at}`,
      `${column.wrong === null ? "0" : `count_if(${column.wrong})`} AS unreadable${at}`,
      `${kind === "number" && floating ? `count_if(NOT isfinite(${column.value}))` : "0"} AS odd${at}`,
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
 * How many values each column has. DuckDB's HyperLogLog is off by up to a quarter (measured), so it only
 * says which part of the hashes to count exactly: all of them below `countedValues`, else about so many.
 */
async function distinctValues(
  db: DuckDb,
  source: TypedSource,
  { batch, whole }: { batch: Column[]; whole: Record<string, Json> },
): Promise<{ values: number; exact: boolean }[]> {
  const parts = batch.map((column, at) => {
    const every = Math.max(1, Math.ceil(Number(whole[`distinct${at}`]) / countedValues));
    const hash = `hash(CAST(${column.value} AS ${kindOf(column) === "other" ? "VARCHAR" : column.resultType}))`;
    const there = `${column.value} IS NOT NULL${every === 1 ? "" : ` AND ${hash} % ${every} = 0`}`;
    return { every, sql: `count(DISTINCT ${hash}) FILTER (WHERE ${there}) AS d${at}` };
  });
  const [found = {}] = await db.rows(`SELECT ${parts.map(({ sql }) => sql).join(", ")} FROM (${source.raw})`);
  return parts.map(({ every }, at) => ({ values: Number(found[`d${at}`]) * every, exact: every === 1 }));
}

interface Looked {
  column: Column;
  at: number;
  whole: Record<string, Json>;
  distinct: { values: number; exact: boolean } | undefined;
  masked: boolean;
}

async function summarise(db: DuckDb, { column, at, whole, distinct, masked }: Looked): Promise<ColumnSummary> {
  const kind = kindOf(column);
  const name = `c${at}`;
  const number = kind === "number" && whole[`min${at}`] !== null ? await numberSummary(db, name, numbersAt(whole, at)) : null;
  const top = masked ? [] : await frequent(db, name);
  const min = whole[`min${at}`];
  const max = whole[`max${at}`];
  return {
    name: column.name,
    type: column.type,
    kind,
    missing: Number(whole[`missing${at}`]),
    unreadable: Number(whole[`unreadable${at}`]),
    notFinite: Number(whole[`odd${at}`]),
    distinct: distinct?.values ?? 0,
    distinctExact: distinct?.exact ?? false,
    masked,
    number: masked ? null : number,
    time: kind === "time" && !masked && typeof min === "string" && typeof max === "string" ? { min, max } : null,
    top,
    spread: masked ? null : await spreadOf(db, { name, number, kind, top }),
  };
}

function numbersAt(whole: Record<string, Json>, at: number) {
  const value = (name: string) => Number(whole[`${name}${at}`] ?? 0);
  // Threads add up in an order of their own, and sums of doubles differ in the last digits by it.
  const rounded = (name: string) => Number(value(name).toPrecision(10));
  return { min: value("min"), max: value("max"), mean: rounded("mean"), deviation: rounded("deviation") };
}

async function numberSummary(
  db: DuckDb,
  name: string,
  whole: Pick<NumberSummary, "min" | "max" | "mean" | "deviation">,
): Promise<NumberSummary> {
  const { min, max } = whole;
  const [found] = await db.rows(`SELECT quantile_disc(${name}, [${quantileShares.join(", ")}]) AS q FROM close_look`);
  const values = Array.isArray(found?.["q"]) ? found["q"].map(Number) : [];
  const bins = min === max ? 1 : histogramBins;
  const width = (max - min) / bins;
  const edges = [...Array.from({ length: bins }, (_, bin) => min + bin * width), max];
  const counted = await db.rows(
    min === max
      ? `SELECT 0 AS bin, count(${name}) AS n FROM close_look`
      : `SELECT least(${bins - 1}, greatest(0, CAST(floor((${name} - ${min}::DOUBLE) / ${width}::DOUBLE) AS INTEGER))) AS bin, count(*) AS n FROM close_look WHERE ${name} IS NOT NULL GROUP BY 1`,
  );
  const counts = Array.from({ length: bins }, (_, bin) => Number(counted.find((row) => Number(row["bin"]) === bin)?.["n"] ?? 0));
  const quantiles = quantileShares.flatMap((share, index) => {
    const value = values[index];
    return value === undefined ? [] : [{ share, value }];
  });
  return { ...whole, quantiles, histogram: { edges, counts } };
}

async function frequent(db: DuckDb, name: string): Promise<ColumnSummary["top"]> {
  const found = await db.rows(
    `SELECT CAST(${name} AS VARCHAR) AS value, count(*) AS n FROM close_look WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY n DESC, value LIMIT ${topValues}`,
  );
  return found.map((row) => ({ value: String(row["value"]).slice(0, 200), count: Number(row["n"]) }));
}

async function spreadOf(
  db: DuckDb,
  {
    name,
    number,
    kind,
    top,
  }: { name: string; number: NumberSummary | null; kind: ColumnSummary["kind"]; top: ColumnSummary["top"] },
): Promise<Spread | null> {
  if (kind === "time" || kind === "other") return null;
  if (number !== null) {
    const edges = edgesOf(number.quantiles.filter(({ share }) => deciles.includes(share)).map(({ value }) => value));
    return { kind: "number", edges, shares: await numberShares(db, name, edges) };
  }
  if (kind === "number") return null;
  const [present] = await db.rows(`SELECT count(${name}) AS n FROM close_look`);
  const rows = Number(present?.["n"]);
  if (rows === 0) return null;
  const values = Object.fromEntries(top.map(({ value, count }) => [value, count / rows]));
  return { kind: "category", values, other: 1 - top.reduce((sum, { count }) => sum + count, 0) / rows };
}

async function numberShares(db: DuckDb, name: string, edges: number[]): Promise<number[]> {
  const below = edges.map((edge) => `count_if(${name} <= ${edge}::DOUBLE)`);
  const [found] = await db.rows(`SELECT [count(${name}), ${below.join(", ")}] AS n FROM close_look`);
  const [rows = 0, ...up] = Array.isArray(found?.["n"]) ? found["n"].map(Number) : [];
  return [...up, rows].map((count, bin) => (rows === 0 ? 0 : (count - (bin === 0 ? 0 : (up[bin - 1] ?? 0))) / rows));
}

/** Null when the column is no longer of a kind that can be compared, or has no value. */
async function sharesOn(
  db: DuckDb,
  { name, kind, spread }: { name: string; kind: ColumnSummary["kind"]; spread: Spread },
): Promise<Profiled["onReference"][string] | null> {
  if ((kind === "number") !== (spread.kind === "number")) return null;
  const [total] = await db.rows(`SELECT count(${name}) AS n FROM close_look`);
  const present = Number(total?.["n"]);
  if (present === 0) return null;
  if (spread.kind === "number") return { shares: await numberShares(db, name, spread.edges), present };
  const counted = await db.rows(
    `SELECT CAST(${name} AS VARCHAR) AS value, count(*) AS n FROM close_look WHERE ${name} IS NOT NULL GROUP BY 1`,
  );
  const counts = new Map(counted.map((row) => [String(row["value"]).slice(0, 200), Number(row["n"])]));
  const known = Object.keys(spread.values).map((value) => (counts.get(value) ?? 0) / present);
  return { shares: [...known, Math.max(0, 1 - known.reduce((sum, share) => sum + share, 0))], present };
}
