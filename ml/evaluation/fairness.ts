import type { EvaluateDefinition } from "../../domain/evaluate-schema.ts";
import { defaultFairnessMinimum } from "../../domain/evaluate-schema.ts";
import {
  type FairnessGap,
  type FairnessGroup,
  type FairnessMeasure,
  fairnessMeasures,
  type FairnessRow,
  type LeftOut,
} from "../../domain/evaluation-detail.ts";
import type { Estimate } from "../../domain/evidence.ts";
import type { Task } from "../../domain/task.ts";
import { differenceOfShares, ratioOfShares, shareOf } from "../metrics/intervals.ts";
import { fairnessSentence } from "./fairness-words.ts";
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
 * calibration and accuracy within groups. Groups of which a measure cannot be told (fewer rows than the minimum, too few
 * positives) are shown and named as left out, and no measure with a limit passes over one.
 */
export function reportFairness(input: FairnessInput): FairnessRow[] {
  return input.groupings.map((grouping) => attributeRow(grouping, input));
}

/** A protected attribute that is no column of the requests: nothing is known of its groups, which is no pass. */
export function unknownAttribute(attribute: string, task: Task): FairnessRow {
  const measure = told[task][0] ?? "selectionRateDifference";
  const sentence = `${attribute} is no request column: nothing can be said of its fairness.`;
  return { attribute, gap: null, limit: defaultLimit.pass, verdict: "too-few", measure, sentence, measures: [], groups: [] };
}

function attributeRow(grouping: Grouping, input: FairnessInput): FairnessRow {
  const { task, definition = {}, judgeBy } = input;
  const others = rowsOfNoGroup(grouping);
  const minimum = definition.minimumRows ?? defaultFairnessMinimum;
  const counted = grouping.groups.map((group, index) => ({ group, counts: groupCounts(grouping, index, input) }));
  const groups = counted.map(({ group, counts }) => groupView(group, counts, { task, tooFew: counts.rows < minimum }));
  const first = told[task][0] ?? "selectionRateDifference";
  const stated = told[task].filter((measure) => definition[measure] !== undefined);
  const limited = stated.length > 0 ? stated : [first];
  const measures = told[task].map((measure): FairnessGap => {
    const limit = limited.includes(measure) ? (definition[measure] ?? defaultLimit) : null;
    const widest = widestGap(
      measure,
      counted.filter(({ counts }) => tellable(measure, counts, minimum)),
    );
    const gap = widest?.gap ?? null;
    const leftOut = [...counted.flatMap((one) => leftOutOf(measure, one, minimum)), ...others];
    const found = limit === null || gap === null ? null : judgedGap(measure, gap, { limit, judgeBy });
    const shown = limit === null ? null : { pass: limit.pass, fail: Number.isFinite(limit.fail) ? limit.fail : null };
    return {
      measure,
      gap,
      between: widest?.between ?? null,
      limit: shown,
      // What was not looked at is no clean pass.
      verdict: limit === null ? null : found === null ? "too-few" : found === "pass" && leftOut.length > 0 ? "warn" : found,
      ...(leftOut.length === 0 ? {} : { leftOut }),
    };
  });
  const decisive = worstOf(measures.filter(({ verdict }) => verdict !== null));
  return {
    attribute: grouping.column,
    gap: decisive.gap?.value ?? null,
    limit: decisive.limit?.pass ?? defaultLimit.pass,
    verdict: decisive.verdict ?? "too-few",
    measure: decisive.measure,
    sentence: fairnessSentence(grouping.column, decisive, { minimum, groups }),
    measures,
    groups,
    ...(others[0] === undefined ? {} : { others: others[0] }),
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

/** How many rows of a group a measure is told of: all, or its positives, or its negatives. */
function basisOf(measure: FairnessMeasure, { rows, positives }: GroupCounts): { rows: number; of: string } {
  if (measure === "truePositiveRateDifference") return { rows: positives, of: "positives" };
  if (measure === "falsePositiveRateDifference") return { rows: rows - positives, of: "negatives" };
  return { rows, of: "rows" };
}

/** A rate among the positives (or negatives) of a group wants a third of the minimum of them, or it says nothing. */
function leastOf(of: string, minimum: number): number {
  return of === "rows" ? minimum : Math.max(1, Math.ceil(minimum / 3));
}

function tellable(measure: FairnessMeasure, counts: GroupCounts, minimum: number): boolean {
  const { rows, of } = basisOf(measure, counts);
  return counts.rows >= minimum && rows >= leastOf(of, minimum);
}

/** A group without rows is not there to be left out. */
function leftOutOf(measure: FairnessMeasure, { group, counts }: Counted, minimum: number): LeftOut[] {
  if (counts.rows === 0 || tellable(measure, counts, minimum)) return [];
  if (counts.rows < minimum) return [{ part: group, rows: counts.rows, why: `fewer rows than ${minimum}` }];
  const { rows, of } = basisOf(measure, counts);
  return [
    { part: group, rows: counts.rows, why: `${rows === 0 ? "no" : `only ${rows}`} ${of}, ${leastOf(of, minimum)} are needed` },
  ];
}

function rowsOfNoGroup({ of }: Grouping): LeftOut[] {
  const rows = of.reduce((sum, group) => sum + (group === -1 ? 1 : 0), 0);
  return rows === 0 ? [] : [{ part: "all rarer values", rows, why: "beyond the most frequent ones" }];
}

/** The gap between the two groups that lie furthest apart; null where fewer than two can be told. */
function widestGap(measure: FairnessMeasure, groups: Counted[]): { gap: Estimate; between: [string, string] } | null {
  let widest: { gap: Estimate; between: [string, string] } | null = null;
  for (const [index, one] of groups.entries()) {
    for (const other of groups.slice(index + 1)) {
      const gap = gapBetween(measure, one, other);
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
function gapBetween(measure: FairnessMeasure, one: Counted, other: Counted) {
  if (measure === "selectionRateRatio") {
    const [low, high] = [one, other].toSorted((a, b) => a.counts.called / a.counts.rows - b.counts.called / b.counts.rows);
    if (low === undefined || high === undefined) return null;
    const gap = ratioOfShares(selected(low.counts), selected(high.counts));
    return gap === null ? null : { gap, between: [low.group, high.group] satisfies [string, string] };
  }
  const difference = signedGap(measure, one.counts, other.counts);
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
  other: GroupCounts,
): Estimate | null {
  const shares = (hits: (counts: GroupCounts) => number, of: (counts: GroupCounts) => number) =>
    differenceOfShares(shareOf(hits(one), of(one)), shareOf(hits(other), of(other)));
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
