import type { Estimate } from "../../domain/evidence.ts";
import { normalTest } from "./intervals.ts";
import type { RankedScores } from "./ranked-scores.ts";

/**
 * What DeLong's method needs of one model: for each positive row the share of negatives below it, and
 * for each negative row the share of positives above it (ties count half), in row order.
 */
export interface AucComponents {
  auc: number;
  positives: number;
  negatives: number;
  /** One for each row; which of the two it is depends on the row's label. */
  component: Float64Array;
  positive: Uint8Array;
}

/** From one walk over the sorted rows (Sun and Xu 2014); NaN in `auc` where a class lacks. */
export function aucComponents({ rows, order, positive, tied }: RankedScores): AucComponents {
  let positives = 0;
  for (let rank = 0; rank < rows; rank += 1) positives += positive[rank]!;
  const negatives = rows - positives;
  const component = new Float64Array(rows);
  const byRow = new Uint8Array(rows);
  let positivesBelow = 0;
  let negativesBelow = 0;
  let sum = 0;
  for (let start = 0; start < rows;) {
    let end = start + 1;
    while (end < rows && tied[end] === 1) end += 1;
    let here = 0;
    for (let rank = start; rank < end; rank += 1) here += positive[rank]!;
    const negativesHere = end - start - here;
    for (let rank = start; rank < end; rank += 1) {
      const row = order[rank]!;
      byRow[row] = positive[rank]!;
      const share =
        positive[rank] === 1
          ? (negativesBelow + negativesHere / 2) / negatives
          : (positives - positivesBelow - here / 2) / positives;
      component[row] = share;
      if (positive[rank] === 1) sum += share;
    }
    positivesBelow += here;
    negativesBelow += negativesHere;
    start = end;
  }
  return { auc: sum / positives, positives, negatives, component, positive: byRow };
}

/** Covariance of two models' AUCs on the same rows (DeLong, DeLong and Clarke-Pearson 1988); of a model with itself: its variance. */
function covariance(one: AucComponents, other: AucComponents): number {
  const sums = [0, 0];
  for (let row = 0; row < one.component.length; row += 1) {
    sums[one.positive[row]!]! += (one.component[row]! - one.auc) * (other.component[row]! - other.auc);
  }
  const [negativeSum = 0, positiveSum = 0] = sums;
  return positiveSum / (one.positives - 1) / one.positives + negativeSum / (one.negatives - 1) / one.negatives;
}

/** The standard error of an AUC; NaN with fewer than two rows of a class. */
export function aucError(one: AucComponents): number {
  return Math.sqrt(covariance(one, one));
}

/** DeLong's paired test of two models on the same rows: difference (first minus second) with its 95 % interval, and the two-sided p-value. */
export function delongTest(first: AucComponents, second: AucComponents): { difference: Estimate; p: number } {
  const value = first.auc - second.auc;
  const variance = covariance(first, first) + covariance(second, second) - 2 * covariance(first, second);
  // Equal models: rounding may leave a variance of −1e-20.
  return normalTest(value, variance > 1e-18 ? Math.sqrt(variance) : 0);
}
