import type { EvaluationDetail } from "./evaluation-detail.ts";
import type { Timestamp, VersionId } from "./ids.ts";
import type { Task } from "./task.ts";

export type Verdict = "pass" | "warn" | "fail";

/** A number with its 95 % bootstrap interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export const metricNames = [
  "auc",
  "logLoss",
  "brier",
  "calibrationError",
  "averagePrecision",
  "accuracy",
  "balancedAccuracy",
  "precision",
  "recall",
  "f1",
  "macroAuc",
  "macroF1",
  "rmse",
  "mae",
  "medianAbsoluteError",
  "r2",
  "pinball",
] as const;
export type MetricName = (typeof metricNames)[number];

/** What is told of a model by what it predicts, the most telling first. */
export const metricsOf: Record<Task, readonly MetricName[]> = {
  binary: [
    "auc",
    "logLoss",
    "brier",
    "calibrationError",
    "averagePrecision",
    "accuracy",
    "balancedAccuracy",
    "precision",
    "recall",
    "f1",
  ],
  multiclass: ["macroAuc", "logLoss", "accuracy", "balancedAccuracy", "macroF1", "brier", "calibrationError"],
  regression: ["rmse", "mae", "r2", "medianAbsoluteError", "pinball"],
};

/** Which way is better. */
export const higherIsBetter: Record<MetricName, boolean> = {
  auc: true,
  logLoss: false,
  brier: false,
  calibrationError: false,
  averagePrecision: true,
  accuracy: true,
  balancedAccuracy: true,
  precision: true,
  recall: true,
  f1: true,
  macroAuc: true,
  macroF1: true,
  rmse: false,
  mae: false,
  medianAbsoluteError: false,
  r2: true,
  pinball: false,
};

/** Errors in the label's own unit, and log loss, have no upper end; r² has no lower one; the others are shares or distances of shares. */
export const unbounded: readonly MetricName[] = ["logLoss", "brier", "rmse", "mae", "medianAbsoluteError", "pinball"];

/** Whether a difference is real, on the same rows. */
export interface PairedTest {
  method: "delong" | "paired-bootstrap";
  /** Two-sided. */
  p: number;
}

export interface MetricRow {
  metric: MetricName;
  candidate: Estimate;
  champion: Estimate | null;
  /** Candidate minus champion, paired on the same rows. */
  change: Estimate | null;
  threshold: { pass: number; fail: number } | null;
  verdict: Verdict;
  /** Of the change. Absent in evaluations made before there were tests, as all that follows. */
  test?: PairedTest | null;
  /** The simple model that every release trains too. */
  baseline?: Estimate | null;
  /** Candidate minus baseline. */
  overBaseline?: Estimate | null;
  baselineTest?: PairedTest | null;
  /** How far the value lies on the good side of `threshold.pass`; below nought: short of it. */
  margin?: number | null;
  /** Whether the whole interval lies on that side; false: these rows do not settle it. */
  settled?: boolean | null;
}

export interface CalibrationBin {
  predicted: number;
  observed: number;
  rows: number;
  /** Of `observed`, 95 %. */
  low?: number;
  high?: number;
}

/** What the evaluate stage found; an artifact, and the heart of a gate's evidence. It only grows: old ones must stay readable. */
export interface Evaluation extends EvaluationDetail {
  rows: number;
  /** Null for other tasks than binary. */
  positives: number | null;
  /** Of the holdout, 0 to 1; null for other tasks than binary. */
  baseRate: number | null;
  metrics: MetricRow[];
  /** Ten equal-count bins of the candidate's probabilities; of the top class's for multiclass, of the predicted values for regression. */
  calibration: CalibrationBin[];
  /** At the deployment threshold; null for other tasks than binary. */
  confusion: {
    truePositive: number;
    falsePositive: number;
    trueNegative: number;
    falseNegative: number;
  } | null;
  /** Rows whose label differs between champion and candidate; null without a champion, and for regression. */
  flips: { rows: number; share: number } | null;
  bootstrapRounds: number;
  verdict: Verdict;
  headline: {
    metric: MetricName;
    candidate: Estimate;
    champion: number | null;
    threshold: number | null;
  };
  championVersion: VersionId | null;
}

/** What the training data and the champion's scores looked like; drift is measured against it. An artifact. */
export interface ReferenceProfile {
  version: VersionId;
  rows: number;
  columns: Record<string, ColumnProfile>;
  /** The predicted probabilities on the holdout. */
  score: NumericProfile;
}

export interface NumericProfile {
  kind: "number";
  missing: number;
  /** Inner edges of the bins (deciles of the reference), ascending; shares has one entry more. */
  edges: number[];
  shares: number[];
  /** Smallest and largest value. Absent where there was none, and in profiles of before it was kept. */
  range?: [number, number];
}

export interface CategoryProfile {
  kind: "category";
  missing: number;
  /** The most frequent values (50 at most) with their shares; the rest is `other`. */
  values: Record<string, number>;
  other: number;
  /** Values beyond the most frequent; null where there are too many to keep. Absent in profiles of before they were kept. */
  rarer?: string[] | null;
}

export type ColumnProfile = NumericProfile | CategoryProfile;

/** One look at a window of predictions. */
export interface MonitorWindow {
  from: Timestamp;
  to: Timestamp;
  rows: number;
  verdict: "too-few" | "steady" | "drift";
  columns: {
    name: string;
    effect: number;
    method: "psi" | "jensen-shannon";
    missing: number;
    referenceMissing: number;
    verdict: "steady" | "warn" | "alert";
    /** How far the share of missing values has moved, as a population stability index. Absent in windows of before it was kept. */
    missingEffect?: number;
    /** Why the values were not compared, or not all of them; absent where they were. */
    leftOut?: string;
    /** Shares of the predictions that were answered with a warning; absent where none was, or before they were counted. */
    warned?: { unseen: number; outOfRange: number };
  }[];
}
