import type { SearchMetric } from "../../domain/train-schema.ts";
import type { Scores } from "../onnx/scorer.ts";

/** Nothing is so certain that one row may decide alone: as scikit-learn clips probabilities of float32. */
const smallest = 1.2e-7;

/** A metric of a model's scores on rows set apart; `targets` are class indices, or the numbers of a regression. */
export function scoreValidation(metric: SearchMetric, scores: Scores, targets: Float64Array): number {
  switch (metric) {
    case "logLoss":
      return meanOver(targets, (row, target) => -Math.log(clip(chanceOf(scores, row, target))));
    case "rmse":
      return Math.sqrt(meanOver(targets, (row, target) => (scores.values[row]! - target) ** 2));
    case "mae":
      return meanOver(targets, (row, target) => Math.abs(scores.values[row]! - target));
    case "auc":
      return areaUnderCurve(scores.values, targets);
  }
}

function chanceOf({ width, values }: Scores, row: number, target: number): number {
  if (width === 1) return target === 1 ? values[row]! : 1 - values[row]!;
  return values[row * width + target]!;
}

function clip(probability: number): number {
  return Math.min(1 - smallest, Math.max(smallest, probability));
}

function meanOver(targets: Float64Array, of: (row: number, target: number) => number): number {
  let sum = 0;
  for (let row = 0; row < targets.length; row += 1) sum += of(row, targets[row]!);
  return sum / targets.length;
}

/** By ranks (Mann and Whitney), ties sharing theirs; NaN where only one class occurs. */
function areaUnderCurve(values: Float32Array, targets: Float64Array): number {
  const order = Array.from(values.keys()).sort((left, right) => values[left]! - values[right]!);
  let rankSum = 0;
  let positives = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to += 1;
    for (let place = from; place < to; place += 1) {
      if (targets[order[place]!] !== 1) continue;
      positives += 1;
      rankSum += (from + to + 1) / 2;
    }
    from = to;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (values.length - positives));
}
