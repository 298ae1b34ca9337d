import type { Estimate, MetricName, Verdict } from "./evidence.ts";
import type { Digest } from "./ids.ts";
import type { Task } from "./task.ts";

/**
 * What an evaluation tells beyond its metrics. Everything may be absent: evaluations made before these
 * parts existed are kept by digest and stay readable. How each is reckoned: docs/evaluation.md.
 */
export interface EvaluationDetail {
  /** Absent: binary. */
  task?: Task;
  /** What the definition calls the outcome: what a positive is, or the value. */
  label?: string;
  /** Multiclass: names, in the order of the model's probabilities. */
  classes?: string[];
  /** Of a model that was trained elsewhere: that it may know the held-out rows, and how far that is known. A sentence; it comes before everything else. */
  mayHaveSeen?: string;
  /** What a reader must know before believing the numbers: few rows, work that was bounded, values never seen. */
  notes?: string[];
  /** Whether the trainer's simple model does as well; null where none was trained. */
  baseline?: BaselineComparison | null;
  /** Of the calibration: how much of the Brier score is miscalibration, how much is told apart, how much is the label's own (Murphy 1973). */
  brierParts?: { reliability: number; resolution: number; uncertainty: number } | null;
  costs?: CostComparison | null;
  fairness?: FairnessRow[];
  slices?: SliceReport | null;
  stability?: StabilityReport | null;
  robustness?: RobustnessReport | null;
  importance?: ImportanceReport | null;
  explanation?: Explanation | null;
  scores?: ScoreShape | null;
  charts?: ChartReference[];
}

export interface BaselineComparison {
  metric: MetricName;
  /** On the headline metric, by its interval. */
  outcome: "better" | "no-different" | "worse";
  sentence: string;
}

export interface CostComparison {
  falsePositive: number;
  falseNegative: number;
  /** Cost a row at the threshold of the definition. */
  deployed: { threshold: number; cost: Estimate };
  best: { threshold: number; cost: number };
  /** Deployed minus best, a row, paired. */
  regret: Estimate;
  /** Always: no other labelled rows are there that the model was not trained on. The best is therefore a little too good. */
  chosenOn: "holdout";
  curve: { threshold: number; cost: number }[];
}

export const fairnessMeasures = [
  "selectionRateDifference",
  "selectionRateRatio",
  "truePositiveRateDifference",
  "falsePositiveRateDifference",
  "calibrationDifference",
  "accuracyDifference",
  "errorDifference",
] as const;
export type FairnessMeasure = (typeof fairnessMeasures)[number];

export interface FairnessRow {
  attribute: string;
  /** Of the measure that decided the verdict; null where too few rows. */
  gap: number | null;
  limit: number;
  verdict: Verdict | "too-few";
  measure: FairnessMeasure;
  sentence: string;
  measures: FairnessGap[];
  groups: FairnessGroup[];
  /** Rows of no group at all, such as those of rarer values than the most frequent. Absent where there are none. */
  others?: LeftOut;
}

/** A part of the rows that was not compared, and why, in words that end a sentence. */
export interface LeftOut {
  part: string;
  rows: number;
  why: string;
}

export interface FairnessGap {
  measure: FairnessMeasure;
  /** Between the two groups that lie furthest apart; a ratio is smaller to larger. Null where it cannot be told. */
  gap: Estimate | null;
  between: [string, string] | null;
  /** `fail` null: beyond `pass` it warns. */
  limit: { pass: number; fail: number | null } | null;
  /** With a limit, a group that was left out makes of a pass a warning. */
  verdict: Verdict | "too-few" | null;
  /** Groups that this measure cannot be told of. Absent where there are none. */
  leftOut?: LeftOut[];
}

export interface FairnessGroup {
  group: string;
  rows: number;
  /** Fewer than the minimum: shown, not compared. */
  tooFew: boolean;
  /** Share predicted positive; null for regression. */
  selectionRate: Estimate | null;
  truePositiveRate: Estimate | null;
  falsePositiveRate: Estimate | null;
  /** Mean predicted minus mean observed. */
  calibration: Estimate | null;
  accuracy: Estimate | null;
  /** Mean absolute error, regression. */
  error: Estimate | null;
}

export interface SliceReport {
  metric: MetricName;
  /** Whether the definition names the slices or they were made of the request's columns. */
  chosen: "definition" | "automatic";
  minimumRows: number;
  /** How many were compared; the correction counts all of them. */
  tested: number;
  /** How many could not be compared. */
  tooFew: number;
  /** Those, the largest first; some dozens at most. Absent in evaluations made before they were named. */
  leftOut?: LeftOut[];
  correction: "holm";
  /** The worst first; some dozens at most. */
  rows: SliceRow[];
}

export interface SliceRow {
  /** `carrier = EV`, `distance 200 to 502`. */
  slice: string;
  rows: number;
  share: number;
  value: Estimate;
  /** The same metric on all other rows. */
  rest: number;
  /** Slice minus rest. */
  difference: Estimate;
  p: number;
  /** After the correction for looking at many. */
  corrected: number;
  /** Worse than the rest, and not by chance at the 5 % level after the correction. */
  worse: boolean;
  champion: number | null;
  /** Decisions that flip against the champion. */
  flips: { rows: number; share: Estimate } | null;
}

export interface StabilityReport {
  metric: MetricName;
  /** A column, or `row order`. */
  by: string;
  windows: { from: string; to: string; rows: number; baseRate: number; value: Estimate | null; champion: number | null }[];
  /** Cochran's Q over the windows: a small p says that they differ by more than chance. Null with fewer than two. */
  test: { method: "cochran-q"; p: number } | null;
  /** Windows that the test leaves out, and rows that are in none. Absent where there are none. */
  leftOut?: LeftOut[];
}

export interface RobustnessReport {
  metric: MetricName;
  /** A seeded sample of the holdout. */
  rows: number;
  value: number;
  cases: {
    name: string;
    kind: "missing" | "shift" | "noise" | "unseen";
    value: number | null;
    change: number | null;
    /** Share of decisions that flip against the model's own on clean input; mean shift of the prediction in standard deviations for regression. */
    flips: number | null;
    /** Where the model gave no usable answer. */
    fault: string | null;
  }[];
}

export interface ImportanceReport {
  method: "permutation";
  metric: MetricName;
  rows: number;
  repeats: number;
  /** How much worse the metric gets when the feature's values are shuffled; the largest first. */
  features: { feature: string; drop: Estimate }[];
}

export type Explanation =
  | { method: "none"; why: string }
  | {
      method: "tree-shap" | "linear-shap";
      /** Of what the values are: log-odds, the predicted value, a probability. */
      unit: "log-odds" | "value" | "probability";
      /** Of the holdout, seeded. */
      rows: number;
      /** Training rows that the expectation is over. */
      backgroundRows: number;
      baseValue: number;
      /** Largest difference between base + values and the model's own answer. */
      additivityError: number;
      features: FeatureEffect[];
      examples: ExplainedRow[];
    };

export interface FeatureEffect {
  feature: string;
  meanAbsolute: number;
  /** How the effect goes with the value: the mean effect by value, or by quantile of the values. */
  effects: { value: string; effect: number; rows: number }[];
}

export interface ExplainedRow {
  what: "highest" | "lowest" | "nearest the threshold" | "median";
  prediction: number;
  /** The largest first. */
  contributions: { feature: string; value: string; effect: number }[];
}

export interface ScoreShape {
  /** Shares of the rows by tenths of the score, by label; for regression of the error. */
  edges: number[];
  series: { name: string; shares: number[] }[];
  /** Some dozen points of the candidate's ROC curve, and the champion's. */
  roc: { who: "candidate" | "champion" | "baseline"; points: { falsePositive: number; truePositive: number }[] }[];
}

export interface ChartReference {
  name: string;
  title: string;
  /** In words, for those who do not see it. */
  alt: string;
  svg: Digest;
  /** For surfaces that show no SVG; the main charts have one. */
  png: Digest | null;
}
