import { CountersignError } from "../../domain/errors.ts";
import type { Estimate, MetricName } from "../../domain/evidence.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { measureBinary } from "../metrics/binary-metrics.ts";
import { aucComponents, aucError } from "../metrics/delong.ts";
import { around, meanOf, type Moments, momentsOf } from "../metrics/intervals.ts";
import type { Measure } from "../metrics/measure.ts";
import { type ClassScores, measureMulticlass, rankClassScores } from "../metrics/multiclass-metrics.ts";
import { type RankedScores, rankScores } from "../metrics/ranked-scores.ts";
import { measureRegression, rankValues, type ValueScores } from "../metrics/regression-metrics.ts";

/** What a model said of labelled rows, as `scoreAll` gives it. */
export interface Answers {
  width: number;
  values: Float32Array;
}

export interface AnswerContext {
  label: LabelSpec;
  /** 0 or 1, the index of the class, or the value. */
  targets: Float64Array;
  /** Of a binary model: from where on a row is called positive. */
  threshold: number;
  /** Of the pinball loss. */
  quantile: number;
}

/** Answers prepared for everything that looks at them. */
export interface ModelAnswers {
  rows: number;
  measure: Measure;
  /** Probability of the positive, of the called class, or the value; in row order. */
  score: ArrayLike<number>;
  /** 0 or 1, or the class; null for a regression. */
  called: Uint8Array | Int32Array | null;
  /** Of binary models. */
  ranked: RankedScores | null;
  classes: ClassScores | null;
  values: ValueScores | null;
  /** Loss of each row: log loss, or the absolute error. */
  loss: Float64Array;
}

/** Throws `evaluation-failed` where the answers are none (NaN, outside 0 to 1), naming whose they are. */
export function prepareAnswers(answers: Answers, context: AnswerContext, who: string): ModelAnswers {
  try {
    return prepared(answers, context);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CountersignError("evaluation-failed", `The ${who} gives no usable answers: ${error.message}`, {
      cure: "Train a model that answers every held-out row as its task must, then release again.",
      cause: error,
    });
  }
}

function prepared({ width, values }: Answers, { label, targets, threshold, quantile }: AnswerContext): ModelAnswers {
  const rows = targets.length;
  const nothing = { ranked: null, classes: null, values: null };
  if (label.task === "regression") {
    const ranked = rankValues(targets, values);
    const loss = ranked.labels.map((target, row) => Math.abs(target - ranked.values[row]!));
    return {
      ...nothing,
      rows,
      measure: measureRegression(ranked, quantile),
      score: ranked.values,
      called: null,
      values: ranked,
      loss,
    };
  }
  if (label.task === "multiclass") {
    const scores = rankClassScores(Int32Array.from(targets), values, width);
    const score = Float64Array.from(scores.called, (k, row) => values[row * width + k]!);
    return {
      ...nothing,
      rows,
      measure: measureMulticlass(scores),
      score,
      called: scores.called,
      classes: scores,
      loss: scores.logLoss,
    };
  }
  const ranked = rankScores(Uint8Array.from(targets), values);
  const loss = new Float64Array(rows);
  for (let rank = 0; rank < rows; rank += 1) loss[ranked.order[rank]!] = ranked.logLoss[rank]!;
  const called = Uint8Array.from(values, (p) => (p >= threshold ? 1 : 0));
  return { ...nothing, rows, measure: measureBinary(ranked, threshold), score: values, called, ranked, loss };
}

/** Metrics that can be told of a part of the rows with a standard error and no resampling. */
export const partMetrics = ["auc", "logLoss", "brier", "accuracy", "mae"] as const;
export type PartMetric = (typeof partMetrics)[number];

/** The headline where it can be told of parts; else the nearest that can. */
export function partMetricFor(headline: MetricName, task: LabelSpec["task"]): PartMetric {
  const own = partMetrics.find((metric) => metric === headline);
  if (own !== undefined) return own;
  return { binary: "auc", multiclass: "accuracy", regression: "mae" }[task] as PartMetric;
}

/** Some of the rows: 1 where a row belongs. */
export type Mask = Uint8Array;

export interface PartValue {
  estimate: Estimate;
  error: number;
}

/** An AUC's error needs two rows of each class; below ten of one its normal interval is no longer to be believed. */
export const fewestOfAClass = 10;

/** The metric on a part, with the standard error of DeLong's method or of the mean; null where it cannot be told. */
export function partValue(answers: ModelAnswers, metric: PartMetric, mask: Mask): PartValue | null {
  if (metric === "auc") {
    if (answers.ranked === null) return null;
    const components = aucComponents(restrict(answers.ranked, mask));
    if (Math.min(components.positives, components.negatives) < fewestOfAClass) return null;
    const error = aucError(components);
    const { value, low, high } = around(components.auc, error);
    return { estimate: { value, low: Math.max(0, low), high: Math.min(1, high) }, error };
  }
  const moments = partMoments(answers, metric, mask);
  if (moments.rows < 2) return null;
  return { estimate: meanOf(moments), error: Math.sqrt(moments.variance / moments.rows) };
}

function partMoments(answers: ModelAnswers, metric: Exclude<PartMetric, "auc">, mask: Mask): Moments {
  const rows = membersOf(mask);
  const of = rowValue(answers, metric);
  return momentsOf(rows.length, (index) => of(rows[index]!));
}

function membersOf(mask: Mask): Uint32Array {
  const rows = new Uint32Array(mask.length);
  let count = 0;
  for (let row = 0; row < mask.length; row += 1) if (mask[row] === 1) rows[count++] = row;
  return rows.subarray(0, count);
}

function rowValue(answers: ModelAnswers, metric: Exclude<PartMetric, "auc">): (row: number) => number {
  const { classes, ranked, called, loss, score } = answers;
  if (metric === "brier" && classes !== null) return (row) => classes.squaredError[row]!;
  if (metric === "brier" || metric === "accuracy") {
    const positive = new Uint8Array(answers.rows);
    if (ranked !== null) for (let rank = 0; rank < ranked.rows; rank += 1) positive[ranked.order[rank]!] = ranked.positive[rank]!;
    if (metric === "brier") return (row) => (score[row]! - positive[row]!) ** 2;
    if (classes !== null) return (row) => (classes.called[row] === classes.labels[row] ? 1 : 0);
    return (row) => (called?.[row] === positive[row] ? 1 : 0);
  }
  return (row) => loss[row]!;
}

/** The scores of a part, in their order. Plain loops: this runs some hundred times an evaluation. */
function restrict(ranked: RankedScores, mask: Mask): RankedScores {
  let rows = 0;
  for (let row = 0; row < mask.length; row += 1) rows += mask[row]!;
  const order = new Uint32Array(rows);
  const probability = new Float64Array(rows);
  const positive = new Uint8Array(rows);
  const tied = new Uint8Array(rows);
  let next = 0;
  for (let rank = 0; rank < ranked.rows; rank += 1) {
    if (mask[ranked.order[rank]!] === 0) continue;
    const p = ranked.probability[rank]!;
    order[next] = next;
    probability[next] = p;
    positive[next] = ranked.positive[rank]!;
    tied[next] = next > 0 && p === probability[next - 1] ? 1 : 0;
    next += 1;
  }
  return { rows, order, probability, positive, tied, logLoss: noValues, squaredError: noValues };
}

const noValues = new Float64Array(0);
