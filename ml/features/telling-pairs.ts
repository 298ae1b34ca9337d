import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";

/** All pairs of so many features, the most telling ones of more: 190 pairs. One that tells nothing alone may tell all with another. */
export const pairedFeatures = 20;
/** Rows of each side, at most: what two features give away together is seen on a few thousand. */
const lookedRows = 20_000;
/** Numbers are cut into so many parts; of texts the most frequent values are kept apart. */
const parts = 12;
const keptTexts = 60;

export interface TellingPair {
  features: [string, string];
  value: number;
}

/** Codes of one feature in rows of both sides, 0 to `width` − 1. */
interface Coded {
  name: string;
  width: number;
  train: Uint16Array;
  held: Uint16Array;
}

/**
 * How much two features tell of the label together: the mean of the label in each cell of the two (learnt from training
 * rows), judged on the holdout, as for single features. Some 40,000 additions a pair: 190 pairs take about 0.1 s.
 */
export async function tellingPairs(
  db: DuckDb,
  { features, label, telling }: { features: FeatureSpec["features"]; label: LabelSpec; telling: FeatureChecks["telling"] },
): Promise<TellingPair[]> {
  const chosen = telling.slice(0, pairedFeatures).map(({ feature }) => feature);
  const looked = features.filter(({ name }) => chosen.includes(name));
  if (looked.length < 2) return [];
  const train = await readSide(db, "train", looked);
  const held = await readSide(db, "held", looked);
  const coded = looked.map(({ name, type }, at) =>
    type === "string"
      ? codeTexts(name, train.columns[at] ?? [], held.columns[at] ?? [])
      : codeNumbers(name, train.columns[at] ?? [], held.columns[at] ?? []),
  );
  const targets = label.task === "multiclass" ? label.classes.map((_, k) => k) : [label.task === "binary" ? 1 : null];
  return coded.flatMap((one, at) =>
    coded.slice(at + 1).map((other): TellingPair => {
      const values = targets.map((positive) => tells(one, other, { train: train.label, held: held.label, positive }));
      return { features: [one.name, other.name], value: Math.max(...values) };
    }),
  );
}

async function readSide(db: DuckDb, side: "train" | "held", features: FeatureSpec["features"]) {
  const [size] = await db.rows(`SELECT count(*) AS n FROM ${side}`);
  const every = Math.max(1, Math.ceil(Number(size?.["n"]) / lookedRows));
  const names = features.map(({ name }) => quoteName(name));
  const result = await db.connection.runAndReadAll(
    `SELECT CAST(label AS DOUBLE), ${names.join(", ")} FROM ${side} WHERE hash(row_id, 'pairs') % ${every} = 0 ORDER BY row_id`,
  );
  const [label = [], ...columns] = result.getColumns();
  return { label: Float64Array.from(label, Number), columns };
}

/** 0 is missing. */
function codeNumbers(name: string, train: unknown[], held: unknown[]): Coded {
  const numbers = (values: unknown[]) => Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
  const [mine, theirs] = [numbers(train), numbers(held)];
  const sorted = mine.filter((value) => Number.isFinite(value)).sort();
  const edges = [
    ...new Set(Array.from({ length: parts - 1 }, (_, at) => sorted[Math.floor((sorted.length * (at + 1)) / parts)])),
  ];
  const code = (value: number) => {
    if (Number.isNaN(value)) return 0;
    const place = edges.findIndex((edge) => edge !== undefined && value <= edge);
    return 1 + (place === -1 ? edges.length : place);
  };
  return { name, width: edges.length + 2, train: Uint16Array.from(mine, code), held: Uint16Array.from(theirs, code) };
}

/** 0 is any rarer value. */
function codeTexts(name: string, train: unknown[], held: unknown[]): Coded {
  const counts = new Map<string, number>();
  for (const value of train) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  const kept = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, keptTexts);
  const codes = new Map(kept.map(([value], at) => [value, at + 1]));
  const code = (value: unknown) => codes.get(String(value)) ?? 0;
  return { name, width: kept.length + 1, train: Uint16Array.from(train, code), held: Uint16Array.from(held, code) };
}

/** AUC of the cells' means where `positive` is a class (one against the rest), else the share of variance that they explain. */
function tells(
  one: Coded,
  other: Coded,
  { train, held, positive }: { train: Float64Array; held: Float64Array; positive: number | null },
): number {
  const target = positive === null ? (value: number) => value : (value: number) => (value === positive ? 1 : 0);
  const sums = new Float64Array(one.width * other.width);
  const rows = new Float64Array(sums.length);
  let all = 0;
  for (let row = 0; row < train.length; row += 1) {
    const cell = one.train[row]! * other.width + other.train[row]!;
    const value = target(train[row]!);
    sums[cell] = sums[cell]! + value;
    rows[cell] = rows[cell]! + 1;
    all += value;
  }
  const scores = sums.map((sum, cell) => (rows[cell] === 0 ? all / train.length : sum / rows[cell]!));
  const scoreOf = (row: number) => scores[one.held[row]! * other.width + other.held[row]!]!;
  return positive === null ? explained(held, scoreOf) : areaUnder(held.map(target), scoreOf);
}

function explained(values: Float64Array, scoreOf: (row: number) => number): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [residual, spread] = [0, 0];
  for (let row = 0; row < values.length; row += 1) {
    residual += (values[row]! - scoreOf(row)) ** 2;
    spread += (values[row]! - mean) ** 2;
  }
  const r2 = 1 - residual / spread;
  return Number.isFinite(r2) ? Math.max(0, r2) : 0;
}

/** By counting pairs over the few different scores of the cells, ties as halves. */
function areaUnder(positive: Float64Array, scoreOf: (row: number) => number): number {
  const byScore = new Map<number, { positives: number; negatives: number }>();
  for (let row = 0; row < positive.length; row += 1) {
    const score = scoreOf(row);
    const here = byScore.get(score) ?? { positives: 0, negatives: 0 };
    byScore.set(score, here);
    here[positive[row] === 1 ? "positives" : "negatives"] += 1;
  }
  let [wins, positives, below] = [0, 0, 0];
  for (const [, here] of [...byScore].sort(([a], [b]) => a - b)) {
    wins += here.positives * (below + here.negatives / 2);
    positives += here.positives;
    below += here.negatives;
  }
  const auc = wins / (positives * below);
  return Number.isFinite(auc) ? Math.max(0.5, auc) : 0.5;
}
