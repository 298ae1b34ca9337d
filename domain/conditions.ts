import type { MetricName } from "./evidence.ts";

/**
 * When a gate is needed: a closed list of named conditions over the evidence, joined by all, any, not.
 * Each can say in a sentence why it did or did not apply.
 */
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  /** The candidate is worse than the champion by more than `by`, in the metric's own unit (0: at all). */
  | { metricWorse: { metric: MetricName; by: number } }
  | { verdict: { atLeast: "warn" | "fail" } }
  /** A gap between groups of a protected attribute passes its limit, or was not told for too few rows. */
  | { protectedGroupAffected: true }
  | { firstRelease: true }
  | { governedFieldChanged: true }
  | { contractWarned: true }
  | { driftOpen: true }
  /** The release was started by one of these. */
  | { triggeredBy: string[] }
  /** The release has parameters of its own. */
  | { parametersChanged: true };

/** The facts that conditions are about, as the database and the evaluation give them. */
export interface ConditionFacts {
  metrics: { metric: string; candidate: number; champion: number | null }[];
  /** Null before the evaluation. */
  verdict: "pass" | "warn" | "fail" | null;
  /**
   * Empty where no protected attribute is named; null before the evaluation. In facts of earlier releases, null for
   * both. `leftOut`: groups that were not compared.
   */
  protectedGaps:
    | {
        leftOut?: string[];
        attribute: string;
        gap: number | null;
        limit: number;
        verdict: "pass" | "warn" | "fail" | "too-few";
      }[]
    | null;
  /** Version of the champion; null when there is none. */
  champion: string | null;
  /** Paths of governed fields that differ from the champion's definition. */
  governedChanged: string[];
  /** Rules of the data contract that warned; null before validation. */
  contractWarnings: number | null;
  /** Open findings of kind drift. */
  driftFindings: number;
  trigger: string;
  hasParameters: boolean;
}

export interface ConditionResult {
  /** Null: a fact that it depends on is not known. */
  applies: boolean | null;
  /** A whole sentence. */
  why: string;
}

/** Only a condition that is known not to apply makes a gate unnecessary. */
export function callsForGate({ applies }: ConditionResult): boolean {
  return applies !== false;
}
