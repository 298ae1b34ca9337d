import { type Estimate, higherIsBetter, type MetricName, type Verdict } from "../../domain/evidence.ts";

export interface Limits {
  pass: number;
  fail: number;
}

export interface JudgeOptions {
  higherIsBetter: boolean;
  /** The value, or the end of its interval that lies on the worse side. */
  by: "value" | "interval";
}

/**
 * At least as good as `pass` is a pass, worse than `fail` a fail, between the two a warning. By the
 * interval, its worse end must reach `pass`; a fail is still told by the value, so that few rows
 * warn and do not fail.
 */
export function judged(estimate: Estimate, { pass, fail }: Limits, options: JudgeOptions): Verdict {
  const sign = options.higherIsBetter ? 1 : -1;
  if (sign * (estimate.value - fail) < 0) return "fail";
  const tested = options.by === "value" ? estimate.value : options.higherIsBetter ? estimate.low : estimate.high;
  return sign * (tested - pass) >= 0 ? "pass" : "warn";
}

/** How far the value lies on the good side of the passing threshold. */
export function marginOf(metric: MetricName, value: number, limits: Limits): number {
  return higherIsBetter[metric] ? value - limits.pass : limits.pass - value;
}

/** Whether the whole interval lies on one side of the passing threshold. */
export function settledBy({ low, high }: Estimate, { pass }: Limits): boolean {
  return low >= pass || high <= pass;
}

export function worstVerdict(verdicts: (Verdict | "too-few")[]): Verdict {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.some((verdict) => verdict !== "pass") ? "warn" : "pass";
}

/** Whether an interval of a difference lies wholly on one side of nought. */
export function outcomeOf(metric: MetricName, { low, high }: Estimate): "better" | "no-different" | "worse" {
  if (low <= 0 && high >= 0) return "no-different";
  return low > 0 === higherIsBetter[metric] ? "better" : "worse";
}
