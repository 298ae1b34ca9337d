import type { CostComparison } from "../../domain/evaluation-detail.ts";
import { around, momentsOf } from "../metrics/intervals.ts";
import type { RankedScores } from "../metrics/ranked-scores.ts";

const curvePoints = 41;

/**
 * What wrong decisions cost a row, at the deployed threshold and at the best. The best is the
 * probability of the held-out rows from which on calling positive costs least (of equal ones the
 * nearest to the deployed); the regret's interval is that of the paired differences row by row. It was chosen on the rows that judge
 * it, so it is a little too good, the more so the fewer they are.
 */
export function compareCosts(
  ranked: RankedScores,
  { falsePositive, falseNegative }: { falsePositive: number; falseNegative: number },
  deployed: number,
): CostComparison {
  const { rows, probability, positive, tied } = ranked;
  const costOf = (rank: number, threshold: number) => {
    const called = probability[rank]! >= threshold;
    if (positive[rank] === 1) return called ? 0 : falseNegative;
    return called ? falsePositive : 0;
  };
  let cost = 0;
  // Everything called positive; from there on each probability passed is called negative.
  for (let rank = 0; rank < rows; rank += 1) cost += positive[rank] === 1 ? 0 : falsePositive;
  let best = { threshold: 0, cost };
  for (let start = 0; start < rows;) {
    let end = start + 1;
    while (end < rows && tied[end] === 1) end += 1;
    for (let rank = start; rank < end; rank += 1) cost += positive[rank] === 1 ? falseNegative : -falsePositive;
    const here = probability[end - 1]!;
    // Between two neighbours any threshold does the same; the middle is the one that new rows trouble least.
    const threshold = end === rows ? here + Number.EPSILON : (here + probability[end]!) / 2;
    const nearer = Math.abs(threshold - deployed) < Math.abs(best.threshold - deployed);
    if (cost < best.cost - 1e-9 || (cost < best.cost + 1e-9 && nearer)) best = { threshold, cost };
    start = end;
  }
  const at = (threshold: number) => momentsOf(rows, (rank) => costOf(rank, threshold));
  const now = at(deployed);
  const regret = momentsOf(rows, (rank) => costOf(rank, deployed) - costOf(rank, best.threshold));
  return {
    falsePositive,
    falseNegative,
    deployed: { threshold: deployed, cost: around(now.mean, Math.sqrt(now.variance / rows)) },
    best: { threshold: best.threshold, cost: best.cost / rows },
    regret: around(regret.mean, Math.sqrt(regret.variance / rows)),
    chosenOn: "holdout",
    curve: Array.from({ length: curvePoints }, (_, index) => {
      const threshold = index / (curvePoints - 1);
      return { threshold, cost: at(threshold).mean };
    }),
  };
}
