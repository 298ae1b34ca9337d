import type { LeftOut, SliceReport, SliceRow } from "../../domain/evaluation-detail.ts";
import { higherIsBetter } from "../../domain/evidence.ts";
import { normalTest, shareOf } from "../metrics/intervals.ts";
import { holm } from "../metrics/multiple-tests.ts";
import { type Grouping, maskOf } from "./groupings.ts";
import { type Mask, type ModelAnswers, type PartMetric, fewestOfAClass, partValue } from "./model-answers.ts";

/** Fewer rows than this are not compared: an accuracy of 50 rows has an interval of about ±0.14. */
export const minimumSliceRows = 50;
const shown = 40;

export interface Slice {
  slice: string;
  mask: Mask;
}

/** A slice for each group of each column, and one for all the rows that are in none of its groups. */
export function slicesOf(groupings: Grouping[]): Slice[] {
  return groupings.flatMap((grouping) => {
    const named = grouping.groups.map((group, index) => ({
      slice: `${grouping.column} ${words(group)}`,
      mask: maskOf(grouping, index),
    }));
    return grouping.of.includes(-1)
      ? [...named, { slice: `${grouping.column} any rarer value`, mask: maskOf(grouping, -1) }]
      : named;
  });
}

function words(group: string): string {
  return /^(below |missing$)|( to below | and above$| h UTC$)/.test(group) ? group : `= ${group}`;
}

interface SliceInput {
  slices: Slice[];
  chosen: SliceReport["chosen"];
  metric: PartMetric;
  candidate: ModelAnswers;
  champion: ModelAnswers | null;
}

/**
 * Each slice against all other rows, the worst first. The two are independent samples, so the
 * difference has the standard error √(error² + error²), by DeLong's method for AUC and by Welch's
 * for means; p-values are corrected for looking at many (Holm). Slices of which too few rows tell the metric are named and not compared.
 */
export function reportSlices({ slices, chosen, metric, candidate, champion }: SliceInput): SliceReport {
  const compared: Omit<SliceRow, "corrected" | "worse">[] = [];
  const leftOut: LeftOut[] = [];
  for (const { slice, mask } of slices) {
    const rows = mask.reduce((sum, one) => sum + one, 0);
    const value = rows < minimumSliceRows ? null : partValue(candidate, metric, mask);
    const rest = rows > candidate.rows - minimumSliceRows ? null : partValue(candidate, metric, inverted(mask));
    if (value === null || rest === null) {
      leftOut.push({ part: slice, rows, why: whyLeftOut(rows, candidate.rows, metric) });
      continue;
    }
    const [here, elsewhere] = [value.estimate.value, rest.estimate.value];
    const scale = Math.max(Math.abs(here), Math.abs(elsewhere));
    const { difference, p } = normalTest(here - elsewhere, Math.hypot(value.error, rest.error), scale);
    compared.push({
      slice,
      rows,
      share: rows / candidate.rows,
      value: value.estimate,
      rest: rest.estimate.value,
      difference,
      p,
      champion: champion === null ? null : (partValue(champion, metric, mask)?.estimate.value ?? null),
      flips: flipsWithin(candidate, champion, mask),
    });
  }
  const corrected = holm(compared.map(({ p }) => p));
  const sign = higherIsBetter[metric] ? 1 : -1;
  const rows = compared.map((row, index): SliceRow => {
    const p = corrected[index]!;
    return { ...row, corrected: p, worse: p < 0.05 && sign * row.difference.value < 0 };
  });
  // The surest and worst first: a z-score, so that a small slice's luck does not lead.
  const standing = ({ difference: { value, low, high } }: SliceRow) => (sign * value) / (high - low || 1);
  rows.sort((a, b) => standing(a) - standing(b) || (a.slice < b.slice ? -1 : 1));
  return {
    metric,
    chosen,
    minimumRows: minimumSliceRows,
    tested: rows.length,
    tooFew: leftOut.length,
    leftOut: leftOut.toSorted((a, b) => b.rows - a.rows).slice(0, shown),
    correction: "holm",
    rows: rows.slice(0, shown),
  };
}

function whyLeftOut(rows: number, all: number, metric: PartMetric): string {
  if (rows < minimumSliceRows) return `fewer rows than ${minimumSliceRows}`;
  if (rows > all - minimumSliceRows) return `fewer other rows than ${minimumSliceRows}`;
  // Both sides are large enough, so it is the classes; only an AUC needs them (`partValue`).
  return metric === "auc" ? `fewer than ${fewestOfAClass} positives or negatives, in it or outside` : "it cannot be told";
}

function inverted(mask: Mask): Mask {
  return mask.map((one) => 1 - one);
}

function flipsWithin(candidate: ModelAnswers, champion: ModelAnswers | null, mask: Mask): SliceRow["flips"] {
  if (candidate.called === null || champion === null || champion.called === null) return null;
  let rows = 0;
  let flipped = 0;
  for (let row = 0; row < mask.length; row += 1) {
    if (mask[row] === 0) continue;
    rows += 1;
    if (candidate.called[row] !== champion.called[row]) flipped += 1;
  }
  return { rows: flipped, share: shareOf(flipped, rows) };
}
