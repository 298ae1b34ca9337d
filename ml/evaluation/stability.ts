import type { LeftOut, StabilityReport } from "../../domain/evaluation-detail.ts";
import { metricInSentence } from "../../domain/wording.ts";
import { chiSquareTail } from "../metrics/distributions.ts";
import { fewestOfAClass, type ModelAnswers, type PartMetric, type PartValue, partValue } from "./model-answers.ts";

const mostWindows = 8;
/** A window of fewer rows would tell more of luck than of time. */
export const fewestRowsOfAWindow = 200;

interface StabilityInput {
  /** Milliseconds since 1970; NaN where missing. */
  times: Float64Array;
  by: string;
  targets: Float64Array;
  metric: PartMetric;
  candidate: ModelAnswers;
  champion: ModelAnswers | null;
}

/**
 * The metric over up to eight windows of equal size, in the order of time, and whether they differ by more than chance
 * (Cochran's Q: Σ w (x − x̄)² with w = 1 / error², chi-square with windows − 1 degrees). Null where the
 * rows give less than two windows. Windows without a value, or without any spread, have no weight: they are named as left out.
 */
export function reportStability({ times, by, targets, metric, candidate, champion }: StabilityInput): StabilityReport | null {
  const order = Uint32Array.from({ length: times.length }, (_, row) => row)
    .filter((row) => Number.isFinite(times[row]))
    .sort((a, b) => times[a]! - times[b]! || a - b);
  const count = Math.min(mostWindows, Math.floor(order.length / fewestRowsOfAWindow));
  if (count < 2 || times[order[0]!] === times[order.at(-1)!]) return null;
  const windows: StabilityReport["windows"] = [];
  const told: { value: number; error: number }[] = [];
  const leftOut: LeftOut[] =
    order.length === times.length
      ? []
      : [{ part: "rows without a time", rows: times.length - order.length, why: `${by} is missing` }];
  for (const [start, end] of boundaries(order, times, count)) {
    const mask = new Uint8Array(times.length);
    let sum = 0;
    for (let rank = start; rank < end; rank += 1) {
      mask[order[rank]!] = 1;
      sum += targets[order[rank]!]!;
    }
    const value = partValue(candidate, metric, mask);
    const from = new Date(times[order[start]!]!).toISOString();
    if (value !== null && value.error > 0) told.push({ value: value.estimate.value, error: value.error });
    else leftOut.push({ part: `the window from ${from.slice(0, 10)} on`, rows: end - start, why: whyUntested(value, metric) });
    windows.push({
      from,
      to: new Date(times[order[end - 1]!]!).toISOString(),
      rows: end - start,
      baseRate: sum / (end - start),
      value: value?.estimate ?? null,
      champion: champion === null ? null : (partValue(champion, metric, mask)?.estimate.value ?? null),
    });
  }
  const test = told.length < 2 ? null : ({ method: "cochran-q", p: cochranP(told) } as const);
  return { metric, by, windows, test, ...(leftOut.length === 0 ? {} : { leftOut }) };
}

function whyUntested(value: PartValue | null, metric: PartMetric): string {
  if (value !== null) return `all its rows have the same ${metricInSentence(metric)}, so that its error is unknown`;
  return metric === "auc" ? `fewer than ${fewestOfAClass} positives or negatives` : "it cannot be told";
}

/** Rows of the same moment stay together. */
function boundaries(order: Uint32Array, times: Float64Array, count: number): [number, number][] {
  const found: [number, number][] = [];
  let start = 0;
  for (let window = 1; window <= count; window += 1) {
    let end = window === count ? order.length : Math.round((order.length * window) / count);
    while (end < order.length && times[order[end]!] === times[order[end - 1]!]) end += 1;
    if (end > start) found.push([start, end]);
    start = Math.max(start, end);
  }
  return found;
}

function cochranP(told: { value: number; error: number }[]): number {
  const weights = told.map(({ error }) => 1 / error ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = told.reduce((sum, { value }, index) => sum + value * weights[index]!, 0) / total;
  const q = told.reduce((sum, { value }, index) => sum + weights[index]! * (value - mean) ** 2, 0);
  return chiSquareTail(q, told.length - 1);
}
