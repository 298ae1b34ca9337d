import type { Timestamp, VersionId } from "./ids.ts";

export type Verdict = "pass" | "warn" | "fail";

/** A number with its 95 % bootstrap interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export const metricNames = ["auc", "logLoss", "brier", "calibrationError"] as const;
export type MetricName = (typeof metricNames)[number];
/** Which way is better. */
export const higherIsBetter: Record<MetricName, boolean> = {
  auc: true,
  logLoss: false,
  brier: false,
  calibrationError: false,
};

export interface MetricRow {
  metric: MetricName;
  candidate: Estimate;
  champion: Estimate | null;
  /** Candidate minus champion, paired on the same rows. */
  change: Estimate | null;
  threshold: { pass: number; fail: number } | null;
  verdict: Verdict;
}

/** What the evaluate stage found; an artifact, and the heart of a gate's evidence. */
export interface Evaluation {
  rows: number;
  positives: number;
  /** Of the holdout, 0 to 1. */
  baseRate: number;
  metrics: MetricRow[];
  /** Ten equal-count bins of the candidate's probabilities. */
  calibration: { predicted: number; observed: number; rows: number }[];
  /** At the deployment threshold. */
  confusion: {
    truePositive: number;
    falsePositive: number;
    trueNegative: number;
    falseNegative: number;
  };
  /** Rows whose label differs between champion and candidate; null without a champion. */
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
}

export interface CategoryProfile {
  kind: "category";
  missing: number;
  /** The most frequent values (50 at most) with their shares; the rest is `other`. */
  values: Record<string, number>;
  other: number;
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
  }[];
}
