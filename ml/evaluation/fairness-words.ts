import type { FairnessGap, FairnessGroup, FairnessMeasure } from "../../domain/evaluation-detail.ts";
import { leftOutInWords } from "../../domain/wording.ts";

const measureWords: Record<FairnessMeasure, string> = {
  selectionRateDifference: "selection rates differ",
  selectionRateRatio: "selection rates have the ratio",
  truePositiveRateDifference: "true positive rates differ",
  falsePositiveRateDifference: "false positive rates differ",
  calibrationDifference: "calibration differs",
  accuracyDifference: "accuracies differ",
  errorDifference: "errors differ",
};

/** The gap that decided, and who was not looked at. */
export function fairnessSentence(
  attribute: string,
  { measure, gap, between, limit, leftOut = [] }: FairnessGap,
  { minimum, groups }: { minimum: number; groups: FairnessGroup[] },
): string {
  if (gap === null || between === null) {
    const without = leftOutInWords(leftOut);
    const enough = groups.filter(({ tooFew }) => !tooFew).length;
    return enough < 2
      ? `By ${attribute}, ${enough === 0 ? "no group has" : "only one group has"} ${minimum} rows: too few to say.${without}`
      : `By ${attribute}, ${measureWords[measure]} by what these rows cannot tell: too few to say.${without}`;
  }
  const by = measure === "selectionRateRatio" ? "" : "by ";
  const range = `${gap.value.toFixed(3)} (${gap.low.toFixed(3)} to ${gap.high.toFixed(3)})`;
  const allowed = limit === null ? "" : `; ${limit.pass} is ${measure === "selectionRateRatio" ? "wanted at least" : "allowed"}`;
  const isRatio = measure === "selectionRateRatio";
  const within = limit !== null && (isRatio ? gap.value >= limit.pass : gap.value <= limit.pass);
  const open = within && (isRatio ? gap.low < limit.pass : gap.high > limit.pass) ? " These rows do not rule out more." : "";
  return `By ${attribute}, ${measureWords[measure]} ${by}${range} between ${between[0]} and ${between[1]}${allowed}.${open}${leftOutInWords(leftOut)}`;
}
