import type { ColumnSummary, NumberSummary } from "../../domain/data-profile.ts";

const histogramBins = 20;
const quantileShares = [0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99];

/** Quantiles (values that occur, as DuckDB's `quantile_disc`) and a histogram of numbers in ascending order, between the bounds of the whole column. */
export function spreadOfNumbers(
  sorted: Float64Array,
  { min, max }: { min: number; max: number },
): Pick<NumberSummary, "quantiles" | "histogram"> {
  const bins = min === max ? 1 : histogramBins;
  const width = (max - min) / bins;
  const counts = Array.from({ length: bins }, () => 0);
  for (const value of sorted) {
    const bin = min === max ? 0 : Math.min(bins - 1, Math.max(0, Math.floor((value - min) / width)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const rows = sorted.length;
  const quantiles = quantileShares.flatMap((share) => {
    const value = sorted[Math.max(1, rows - Math.floor(rows - share * rows)) - 1];
    return value === undefined ? [] : [{ share, value }];
  });
  return { quantiles, histogram: { edges: [...Array.from({ length: bins }, (_, bin) => min + bin * width), max], counts } };
}

/** How many numbers differ, and which occur most; equal counts in the order of their text. */
export function frequentNumbers(sorted: Float64Array, most: number): { distinct: number; top: ColumnSummary["top"] } {
  const found: { value: number; count: number }[] = [];
  for (let at = 0; at < sorted.length;) {
    const value = sorted[at] ?? Number.NaN;
    let end = at + 1;
    while (sorted[end] === value) end += 1;
    found.push({ value, count: end - at });
    at = end;
  }
  const limit = found.map(({ count }) => count).toSorted((a, b) => b - a)[most - 1] ?? 0;
  const top = found
    .filter(({ count }) => count >= limit)
    .map(({ value, count }) => ({ value: String(value), count }))
    .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  return { distinct: found.length, top: top.slice(0, most) };
}
