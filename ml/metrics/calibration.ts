import type { CalibrationBin, Evaluation } from "../../domain/evidence.ts";
import { z95 } from "./distributions.ts";
import { shareOf } from "./intervals.ts";
import { calibrationBins, type RankedScores } from "./ranked-scores.ts";

/** Mean probability and share of positives (with its Wilson interval) in ten equal-count bins; fewer where equal probabilities span an edge. */
export function calibrationCurve(ranked: RankedScores): CalibrationBin[] {
  return equalCountBins(ranked.rows, (rank) => ranked.tied[rank] === 1).map(([start, end]) => {
    let predicted = 0;
    let positives = 0;
    for (let rank = start; rank < end; rank += 1) {
      predicted += ranked.probability[rank]!;
      positives += ranked.positive[rank]!;
    }
    const { value, low, high } = shareOf(positives, end - start);
    return { predicted: predicted / (end - start), observed: value, rows: end - start, low, high };
  });
}

/** The same for a regression: mean predicted value and mean label, by tenths of the predicted values. */
export function reliabilityOf(labels: ArrayLike<number>, values: ArrayLike<number>): CalibrationBin[] {
  const rows = labels.length;
  const order = Uint32Array.from({ length: rows }, (_, row) => row).sort((a, b) => values[a]! - values[b]! || a - b);
  const tied = (rank: number) => rank > 0 && values[order[rank]!] === values[order[rank - 1]!];
  return equalCountBins(rows, tied).map(([start, end]) => {
    let predicted = 0;
    let sum = 0;
    for (let rank = start; rank < end; rank += 1) {
      predicted += values[order[rank]!]!;
      sum += labels[order[rank]!]!;
    }
    const mean = sum / (end - start);
    let squares = 0;
    for (let rank = start; rank < end; rank += 1) squares += (labels[order[rank]!]! - mean) ** 2;
    const half = end - start > 1 ? z95 * Math.sqrt(squares / (end - start - 1) / (end - start)) : 0;
    return { predicted: predicted / (end - start), observed: mean, rows: end - start, low: mean - half, high: mean + half };
  });
}

function equalCountBins(rows: number, tied: (rank: number) => boolean): [number, number][] {
  const bins: [number, number][] = [];
  let start = 0;
  for (let bin = 1; bin <= calibrationBins; bin += 1) {
    let end = bin === calibrationBins ? rows : Math.floor(((rows - 1) * bin) / calibrationBins) + 1;
    while (end < rows && tied(end)) end += 1;
    if (end <= start) continue;
    bins.push([start, end]);
    start = end;
  }
  return bins;
}

/**
 * Brier = reliability − resolution + uncertainty: what miscalibration costs, what telling rows apart
 * gains, what the label itself leaves open. By isotonic recalibration (CORP: Dimitriadis, Gneiting and
 * Jordan 2021), which needs no bins and adds up to the last digit.
 */
export function brierParts({ rows, probability, positive, tied }: RankedScores): NonNullable<Evaluation["brierParts"]> {
  const recalibrated = isotonic(rows, positive, tied);
  let positives = 0;
  for (let rank = 0; rank < rows; rank += 1) positives += positive[rank]!;
  const baseRate = positives / rows;
  let brier = 0;
  let best = 0;
  for (let rank = 0; rank < rows; rank += 1) {
    brier += (probability[rank]! - positive[rank]!) ** 2;
    best += (recalibrated[rank]! - positive[rank]!) ** 2;
  }
  const uncertainty = baseRate * (1 - baseRate);
  return { reliability: (brier - best) / rows, resolution: uncertainty - best / rows, uncertainty };
}

/** Pool adjacent violators over groups of equal probabilities: the best non-decreasing share of positives. */
function isotonic(rows: number, positive: Uint8Array, tied: Uint8Array): Float64Array {
  const blocks: { rows: number; positives: number }[] = [];
  for (let start = 0; start < rows;) {
    let end = start + 1;
    while (end < rows && tied[end] === 1) end += 1;
    const block = { rows: end - start, positives: 0 };
    for (let rank = start; rank < end; rank += 1) block.positives += positive[rank]!;
    start = end;
    let last = blocks.at(-1);
    while (last !== undefined && last.positives * block.rows >= block.positives * last.rows) {
      block.rows += last.rows;
      block.positives += last.positives;
      blocks.pop();
      last = blocks.at(-1);
    }
    blocks.push(block);
  }
  const fitted = new Float64Array(rows);
  let from = 0;
  for (const block of blocks) {
    fitted.fill(block.positives / block.rows, from, from + block.rows);
    from += block.rows;
  }
  return fitted;
}

/** Counts at `threshold`: a probability of at least that is called positive. */
export function confusionAt(
  threshold: number,
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): NonNullable<Evaluation["confusion"]> {
  const counts = { truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0 };
  for (let row = 0; row < labels.length; row += 1) {
    const called = probabilities[row]! >= threshold;
    if (labels[row] === 1) counts[called ? "truePositive" : "falseNegative"] += 1;
    else counts[called ? "falsePositive" : "trueNegative"] += 1;
  }
  return counts;
}

/** Rows that two models call differently. */
export function flipsOf(candidate: ArrayLike<number>, champion: ArrayLike<number>): { rows: number; share: number } {
  let rows = 0;
  for (let row = 0; row < candidate.length; row += 1) if (candidate[row] !== champion[row]) rows += 1;
  return { rows, share: candidate.length === 0 ? 0 : rows / candidate.length };
}
