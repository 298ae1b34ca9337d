import type { CategoryProfile, ColumnProfile, NumericProfile, ReferenceProfile } from "../../domain/evidence.ts";
import type { VersionId } from "../../domain/ids.ts";

/** Numbers (missing: NaN) or strings (missing: ""), as features are handed to a model. */
export type DriftColumn = Float32Array | Float64Array | string[];

const bins = 10;
const keptValues = 50;
/** So many rarer values are kept by name, to tell new ones; an identifier has more, and each row of it is new. */
const rarerValues = 5_000;

/** What the training data and the model's scores looked like. All columns have the same number of rows; `scores` may have another. */
export function buildReferenceProfile({
  version,
  columns,
  scores,
}: {
  version: VersionId;
  columns: Record<string, DriftColumn>;
  scores: Float32Array | Float64Array;
}): ReferenceProfile {
  const [first] = Object.values(columns);
  return {
    version,
    rows: first?.length ?? 0,
    columns: Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, profileColumn(column)])),
    score: profileNumbers(scores),
  };
}

function profileColumn(column: DriftColumn): ColumnProfile {
  return Array.isArray(column) ? profileCategories(column) : profileNumbers(column);
}

function profileNumbers(values: Float32Array | Float64Array): NumericProfile {
  const present = Float64Array.from(values)
    .filter((value) => Number.isFinite(value))
    .sort();
  const edges = decileEdges(present);
  return {
    kind: "number",
    missing: missingShare(present.length, values.length),
    edges,
    shares: numericShares(edges, present).shares,
    ...(present.length === 0 ? {} : { range: [present[0]!, present.at(-1)!] }),
  };
}

/**
 * Inner edges at the deciles. A value that holds a tenth of the rows or more (a nought, a whole
 * hour) is a decile twice: it gets a bin of its own by an edge just below it (less than a float32
 * step), so that rows which leave it downwards are seen as well.
 */
function decileEdges(sorted: Float64Array): number[] {
  if (sorted.length === 0) return [];
  return edgesOf(Array.from({ length: bins - 1 }, (_, at) => sorted[Math.floor(((sorted.length - 1) * (at + 1)) / bins)]!));
}

/** Inner edges of bins from quantiles in ascending order. */
export function edgesOf(quantiles: number[]): number[] {
  const edges: number[] = [];
  for (const decile of quantiles) {
    const last = edges.at(-1);
    if (last === decile) {
      const below = decile - Math.max(Math.abs(decile), 1e-30) * 2 ** -25;
      if (edges.at(-2) !== below) edges.splice(-1, 0, below);
    } else {
      edges.push(decile);
    }
  }
  return edges;
}

/** Shares of the present values by bin: the first that has an upper edge not below the value. */
export function numericShares(edges: number[], values: ArrayLike<number>): { shares: number[]; present: number } {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  let present = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    if (!Number.isFinite(value)) continue;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= edges[middle]!) high = middle;
      else low = middle + 1;
    }
    counts[low]! += 1;
    present += 1;
  }
  return { shares: counts.map((count) => (present === 0 ? 0 : count / present)), present };
}

function profileCategories(values: string[]): CategoryProfile {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== "") counts.set(value, (counts.get(value) ?? 0) + 1);
  const present = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const byFrequency = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  const kept = byFrequency.slice(0, keptValues);
  const rarer = byFrequency.slice(keptValues);
  const rest = rarer.reduce((sum, [, count]) => sum + count, 0);
  return {
    kind: "category",
    missing: missingShare(present, values.length),
    values: Object.fromEntries(kept.map(([value, count]) => [value, count / present])),
    other: present === 0 ? 0 : rest / present,
    rarer: rarer.length > rarerValues ? null : rarer.map(([value]) => value),
  };
}

export function missingShare(present: number, rows: number): number {
  return rows === 0 ? 0 : (rows - present) / rows;
}
