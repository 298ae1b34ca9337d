import type { Estimate } from "../../domain/evidence.ts";
import { meanOf, momentsOf } from "../metrics/intervals.ts";
import type { Grouping } from "./groupings.ts";
import type { ModelAnswers } from "./model-answers.ts";

/** What was said of the rows of one group. */
export interface GroupCounts {
  rows: number;
  /** Said positive. */
  called: number;
  positives: number;
  truePositive: number;
  falsePositive: number;
  right: number;
  /** Multiclass: how often each class was said; else null. */
  byClass: number[] | null;
  /** Mean predicted minus mean observed; for a regression in standard deviations of the label. */
  bias(): Estimate;
  /** Mean absolute error in standard deviations of the label. */
  error(): Estimate;
}

export function groupCounts(
  { of }: Grouping,
  group: number,
  { targets, candidate, classes }: { targets: Float64Array; candidate: ModelAnswers; classes: number },
): GroupCounts {
  const members = Uint32Array.from({ length: of.length }, (_, row) => row).filter((row) => of[row] === group);
  const binary = candidate.ranked !== null;
  const counts = { called: 0, positives: 0, truePositive: 0, falsePositive: 0, right: 0 };
  const byClass = candidate.classes === null ? null : Array.from({ length: classes }, () => 0);
  for (const row of members) {
    const said = candidate.called?.[row];
    const target = targets[row]!;
    if (said === target) counts.right += 1;
    if (byClass !== null && said !== undefined) byClass[said]! += 1;
    if (!binary) continue;
    counts.called += said ?? 0;
    counts.positives += target;
    if (said === 1) counts[target === 1 ? "truePositive" : "falsePositive"] += 1;
  }
  const unit = binary ? 1 : spreadOf(targets);
  return {
    rows: members.length,
    ...counts,
    byClass,
    bias: () =>
      meanOf(momentsOf(members.length, (index) => (candidate.score[members[index]!]! - targets[members[index]!]!) / unit)),
    error: () => meanOf(momentsOf(members.length, (index) => candidate.loss[members[index]!]! / unit)),
  };
}

/** 1 where all labels are equal. */
function spreadOf(targets: Float64Array): number {
  return Math.sqrt(momentsOf(targets.length, (row) => targets[row]!).variance) || 1;
}
