import type { Evaluation } from "../../domain/evidence.ts";
import { calibrationBins, type RankedScores } from "./ranked-scores.ts";

/** Mean probability and share of positives in ten equal-count bins (fewer where equal probabilities span an edge). */
export function calibrationCurve(ranked: RankedScores): Evaluation["calibration"] {
  const curve: Evaluation["calibration"] = [];
  let start = 0;
  for (let bin = 1; bin <= calibrationBins; bin += 1) {
    let end = bin === calibrationBins ? ranked.rows : Math.floor(((ranked.rows - 1) * bin) / calibrationBins) + 1;
    while (end < ranked.rows && ranked.tied[end] === 1) end += 1;
    if (end <= start) continue;
    let predicted = 0;
    let positives = 0;
    for (let rank = start; rank < end; rank += 1) {
      predicted += ranked.probability[rank]!;
      positives += ranked.positive[rank]!;
    }
    curve.push({
      predicted: predicted / (end - start),
      observed: positives / (end - start),
      rows: end - start,
    });
    start = end;
  }
  return curve;
}

/** Counts at `threshold`: a probability of at least that is called positive. */
export function confusionAt(threshold: number, labels: Uint8Array, probabilities: ArrayLike<number>): Evaluation["confusion"] {
  const counts = { truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0 };
  for (let row = 0; row < labels.length; row += 1) {
    const called = probabilities[row]! >= threshold;
    if (labels[row] === 1) counts[called ? "truePositive" : "falseNegative"] += 1;
    else counts[called ? "falsePositive" : "trueNegative"] += 1;
  }
  return counts;
}

/** Rows that two models call differently at the same threshold. */
export function flipsAt(
  threshold: number,
  candidate: ArrayLike<number>,
  champion: ArrayLike<number>,
): { rows: number; share: number } {
  let rows = 0;
  for (let row = 0; row < candidate.length; row += 1) {
    if (candidate[row]! >= threshold !== champion[row]! >= threshold) rows += 1;
  }
  return { rows, share: candidate.length === 0 ? 0 : rows / candidate.length };
}
