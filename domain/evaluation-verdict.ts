import { higherIsBetter, type Evaluation } from "./evidence.ts";

/** The whole interval of the headline metric's change lies on the worse side: the difference is no chance. */
export function isWorseThanChampion({ headline, metrics }: Pick<Evaluation, "headline" | "metrics">): boolean {
  const change = metrics.find(({ metric }) => metric === headline.metric)?.change ?? null;
  if (change === null) return false;
  return higherIsBetter[headline.metric] ? change.high < 0 : change.low > 0;
}
