import type { EvaluateDefinition } from "../../domain/evaluate-schema.ts";
import { defaultFairnessMinimum } from "../../domain/evaluate-schema.ts";
import {
  type FairnessGap,
  type FairnessGroup,
  type FairnessMeasure,
  fairnessMeasures,
  type FairnessRow,
} from "../../domain/evaluation-detail.ts";
import type { Estimate } from "../../domain/evidence.ts";
import type { Task } from "../../domain/task.ts";
import { differenceOfShares, ratioOfShares, shareOf } from "../metrics/intervals.ts";
import { type GroupCounts, groupCounts } from "./group-counts.ts";
import type { Grouping } from "./groupings.ts";
import type { ModelAnswers } from "./model-answers.ts";
import { judged, type Limits } from "./verdict.ts";

type FairnessDefinition = NonNullable<EvaluateDefinition["fairness"]>;

/** What is told by task, and which gap stands for the attribute where no limit says otherwise. */
const told: Record<Task, readonly FairnessMeasure[]> = {
  binary: fairnessMeasures.filter((measure) => measure !== "errorDifference"),
  multiclass: ["selectionRateDifference", "accuracyDifference"],
  regression: ["errorDifference", "calibrationDifference"],
};

/**
 * What holds where the definition sets no limit: a gap of more than a fifth warns and never fails by itself.
 * For a regression the gap is in standard deviations of the label.
 */
const defaultLimit: Limits = { pass: 0.2, fail: Number.POSITIVE_INFINITY };

interface FairnessInput {
  task: Task;
  groupings: Grouping[];
  targets: Float64Array;
  candidate: ModelAnswers;
  classes: number;
  definition: FairnessDefinition | undefined;
  judgeBy: "value" | "interval";
}

/**
 * Groups of each protected attribute side by side, with 95 % intervals (Wilson for shares, Newcombe for
 * their differences, Katz for ratios), and the gap between the two that lie furthest apart. Measures as
 * in Fairlearn: demographic parity (selection rate), equalized odds (true and false positive rate), and
 * calibration and accuracy within groups. Groups with fewer rows than the minimum are shown, not compared.
 */
export function reportFairness(input: FairnessInput): FairnessRow[] {
  return input.groupings.map((grouping) => attributeRow(grouping, input));
}

function attributeRow(grouping: Grouping, input: FairnessInput): FairnessRow {
  const { task, definition = {}, judgeBy } = input;
  const minimum = definition.minimumRows ?? defaultFairnessMinimum;
  const counted = grouping.groups.map((group, index) => ({ group, counts: groupCounts(grouping, index, input) }));
  const groups = counted.map(({ group, counts }) => groupView(group, counts, { task, tooFew: counts.rows < minimum }));
  const enough = counted.filter(({ counts }) => counts.rows >= minimum);
  const first = told[task][0] ?? "selectionRateDifference";
  const stated = told[task].filter((measure) => definition[measure] !== undefined);
  const limited = stated.length > 0 ? stated : [first];
  const measures = told[task].map((measure): FairnessGap => {
    const limit = limited.includes(measure) ? (definition[measure] ?? defaultLimit) : null;
    const widest = widestGap(measure, enough, minimum);
    const gap = widest?.gap ?? null;
    const shown = limit === null ? null : { pass: limit.pass, fail: Number.isFinite(limit.fail) ? limit.fail : null };
    return {
      measure,
      gap,
      between: widest?.between ?? null,
      limit: shown,
      verdict: limit === null ? null : gap === null ? "too-few" : judgedGap(measure, gap, { limit, judgeBy }),
    };
  });
  const decisive = worstOf(measures.filter(({ verdict }) => verdict !== null));
  return {
    attribute: grouping.column,
    gap: decisive.gap?.value ?? null,
    limit: decisive.limit?.pass ?? defaultLimit.pass,
    verdict: decisive.verdict ?? "too-few",
    measure: decisive.measure,
    sentence: sentenceOf(grouping.column, decisive, { minimum, groups }),
    measures,
    groups,
  };
}

function judgedGap(
  measure: FairnessMeasure,
  gap: Estimate,
  { limit, judgeBy }: { limit: Limits; judgeBy: "value" | "interval" },
) {
  return judged(gap, limit, { higherIsBetter: measure === "selectionRateRatio", by: judgeBy });
}

function worstOf(gaps: FairnessGap[]): FairnessGap {
  const order = ["fail", "warn", "too-few", "pass"];
  const [first] = gaps.toSorted((a, b) => order.indexOf(a.verdict ?? "pass") - order.indexOf(b.verdict ?? "pass"));
  if (first === undefined) throw new TypeError("At least one measure has a limit.");
  return first;
}

function groupView(group: string, counts: GroupCounts, { task, tooFew }: { task: Task; tooFew: boolean }): FairnessGroup {
  const { rows, called, positives, truePositive, falsePositive, right } = counts;
  const share = (hits: number, of: number) => (of === 0 ? null : shareOf(hits, of));
  const binary = task === "binary";
  return {
    group,
    rows,
    tooFew,
    selectionRate: binary ? share(called, rows) : null,
    truePositiveRate: binary ? share(truePositive, positives) : null,
    falsePositiveRate: binary ? share(falsePositive, rows - positives) : null,
    calibration: task === "multiclass" || rows < 2 ? null : counts.bias(),
    accuracy: task === "regression" ? null : share(right, rows),
    error: task === "regression" && rows > 1 ? counts.error() : null,
  };
}

interface Counted {
  group: string;
  counts: GroupCounts;
}

/** The gap between the two groups that lie furthest apart; null where fewer than two can be told. */
function widestGap(
  measure: FairnessMeasure,
  groups: Counted[],
  minimum: number,
): { gap: Estimate; between: [string, string] } | null {
  let widest: { gap: Estimate; between: [string, string] } | null = null;
  for (const [index, one] of groups.entries()) {
    for (const other of groups.slice(index + 1)) {
      const gap = gapBetween(measure, one, { other, minimum });
      if (gap === null) continue;
      const wider =
        widest === null ||
        (measure === "selectionRateRatio" ? gap.gap.value < widest.gap.value : gap.gap.value > widest.gap.value);
      if (wider) widest = gap;
    }
  }
  return widest;
}

/** Larger minus smaller, or smaller over larger. */
function gapBetween(measure: FairnessMeasure, one: Counted, { other, minimum }: { other: Counted; minimum: number }) {
  if (measure === "selectionRateRatio") {
    const [low, high] = [one, other].toSorted((a, b) => a.counts.called / a.counts.rows - b.counts.called / b.counts.rows);
    if (low === undefined || high === undefined) return null;
    const gap = ratioOfShares(selected(low.counts), selected(high.counts));
    return gap === null ? null : { gap, between: [low.group, high.group] satisfies [string, string] };
  }
  const difference = signedGap(measure, one.counts, { other: other.counts, minimum });
  if (difference === null) return null;
  const { value, low, high } = difference;
  // A distance has no sign, and its interval ends at nought.
  return value >= 0
    ? { gap: { value, low: Math.max(0, low), high }, between: [one.group, other.group] satisfies [string, string] }
    : {
        gap: { value: -value, low: Math.max(0, -high), high: -low },
        between: [other.group, one.group] satisfies [string, string],
      };
}

function selected({ called, rows }: GroupCounts) {
  return { hits: called, rows };
}

function signedGap(
  measure: Exclude<FairnessMeasure, "selectionRateRatio">,
  one: GroupCounts,
  { other, minimum }: { other: GroupCounts; minimum: number },
): Estimate | null {
  const shares = (hits: (counts: GroupCounts) => number, of: (counts: GroupCounts) => number) => {
    // A rate among the positives of a group wants a third of the minimum of positives, or it says nothing.
    if (Math.min(of(one), of(other)) < Math.max(1, minimum / 3)) return null;
    return differenceOfShares(shareOf(hits(one), of(one)), shareOf(hits(other), of(other)));
  };
  const rows = (counts: GroupCounts) => counts.rows;
  switch (measure) {
    case "selectionRateDifference":
      return one.byClass === null ? shares((counts) => counts.called, rows) : widestClass(one, other);
    case "truePositiveRateDifference":
      return shares(
        (counts) => counts.truePositive,
        (counts) => counts.positives,
      );
    case "falsePositiveRateDifference":
      return shares(
        (counts) => counts.falsePositive,
        (counts) => counts.rows - counts.positives,
      );
    case "accuracyDifference":
      return shares((counts) => counts.right, rows);
    case "calibrationDifference":
      return apart(one.bias(), other.bias());
    case "errorDifference":
      return apart(one.error(), other.error());
  }
}

/** Multiclass: the class whose share differs most. */
function widestClass(one: GroupCounts, other: GroupCounts): Estimate | null {
  let widest: Estimate | null = null;
  for (const [index, mine] of (one.byClass ?? []).entries()) {
    const gap = differenceOfShares(shareOf(mine, one.rows), shareOf(other.byClass?.[index] ?? 0, other.rows));
    if (widest === null || Math.abs(gap.value) > Math.abs(widest.value)) widest = gap;
  }
  return widest;
}

/** Two independent estimates with symmetric intervals. */
function apart(one: Estimate, other: Estimate): Estimate {
  const half = Math.hypot(one.high - one.value, other.high - other.value);
  const value = one.value - other.value;
  return { value, low: value - half, high: value + half };
}

const measureWords: Record<FairnessMeasure, string> = {
  selectionRateDifference: "selection rates differ",
  selectionRateRatio: "selection rates have the ratio",
  truePositiveRateDifference: "true positive rates differ",
  falsePositiveRateDifference: "false positive rates differ",
  calibrationDifference: "calibration differs",
  accuracyDifference: "accuracies differ",
  errorDifference: "errors differ",
};

function sentenceOf(
  attribute: string,
  { measure, gap, between, limit, verdict }: FairnessGap,
  { minimum, groups }: { minimum: number; groups: FairnessGroup[] },
): string {
  if (gap === null || between === null) {
    const enough = groups.filter(({ tooFew }) => !tooFew).length;
    return enough < 2
      ? `By ${attribute}, ${enough === 0 ? "no group has" : "only one group has"} ${minimum} rows: too few to say.`
      : `By ${attribute}, ${measureWords[measure]} by what these rows cannot tell: too few to say.`;
  }
  const by = measure === "selectionRateRatio" ? "" : "by ";
  const range = `${gap.value.toFixed(3)} (${gap.low.toFixed(3)} to ${gap.high.toFixed(3)})`;
  const allowed = limit === null ? "" : `; ${limit.pass} is ${measure === "selectionRateRatio" ? "wanted at least" : "allowed"}`;
  const open =
    verdict === "pass" && limit !== null && (measure === "selectionRateRatio" ? gap.low < limit.pass : gap.high > limit.pass)
      ? " These rows do not rule out more."
      : "";
  return `By ${attribute}, ${measureWords[measure]} ${by}${range} between ${between[0]} and ${between[1]}${allowed}.${open}`;
}
