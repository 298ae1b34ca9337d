import type { ScoreShape } from "../../domain/evaluation-detail.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { quantile } from "../metrics/bootstrap.ts";
import type { RankedScores } from "../metrics/ranked-scores.ts";
import type { Compared } from "./metric-rows.ts";

const bins = 20;
const rocPoints = 40;

/** How the scores lie, by label, and the ROC curves, small enough to be drawn and kept. */
export function scoreShape({ candidate, champion, baseline }: Compared, targets: Float64Array, label: LabelSpec): ScoreShape {
  if (candidate.ranked === null) {
    const errors = candidate.values === null ? null : Float64Array.from(targets, (target, row) => candidate.score[row]! - target);
    if (errors === null)
      return { ...histogram([{ name: "called class", values: Float64Array.from(candidate.score) }], 0, 1), roc: [] };
    const sorted = errors.toSorted();
    const [low, high] = [quantile(sorted, 0.005), quantile(sorted, 0.995)];
    return { ...histogram([{ name: "predicted minus observed", values: errors }], low, high), roc: [] };
  }
  const positive = label.task === "binary" ? 1 : 0;
  const of = (is: boolean) => Float64Array.from(candidate.score).filter((_, row) => (targets[row] === positive) === is);
  const shape = histogram(
    [
      { name: "positive", values: of(true) },
      { name: "negative", values: of(false) },
    ],
    0,
    1,
  );
  const roc = (
    [
      ["candidate", candidate],
      ["champion", champion],
      ["baseline", baseline],
    ] as const
  ).flatMap(([who, model]) => (model?.ranked ? [{ who, points: rocOf(model.ranked) }] : []));
  return { ...shape, roc };
}

function histogram(
  series: { name: string; values: Float64Array }[],
  low: number,
  high: number,
): Pick<ScoreShape, "edges" | "series"> {
  const width = (high - low) / bins || 1;
  return {
    edges: Array.from({ length: bins + 1 }, (_, index) => low + index * width),
    series: series.map(({ name, values }) => {
      const counts = Array.from({ length: bins }, () => 0);
      // What lies beyond the ends is counted in the last bin there.
      for (const value of values) counts[Math.min(bins - 1, Math.max(0, Math.floor((value - low) / width)))]! += 1;
      return { name, shares: counts.map((count) => count / (values.length || 1)) };
    }),
  };
}

/** Points at equal steps of the rows; a group of equal probabilities is never cut. */
function rocOf({ rows, positive, tied }: RankedScores): { falsePositive: number; truePositive: number }[] {
  let positives = 0;
  for (let rank = 0; rank < rows; rank += 1) positives += positive[rank]!;
  const negatives = rows - positives;
  const points = [{ falsePositive: 0, truePositive: 0 }];
  let [hits, misses, next] = [0, 0, rows / rocPoints];
  for (let rank = rows - 1; rank >= 0; rank -= 1) {
    if (positive[rank] === 1) hits += 1;
    else misses += 1;
    if (tied[rank] === 1 || (hits + misses < next && rank > 0)) continue;
    points.push({ falsePositive: misses / negatives, truePositive: hits / positives });
    while (next <= hits + misses) next += rows / rocPoints;
  }
  return points;
}
