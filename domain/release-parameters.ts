import type { ReleaseParameters } from "./stage-results.ts";

/** Later parameters over earlier ones; `train` and `limits` member by member. */
export function mergeParameters(before: ReleaseParameters, change: ReleaseParameters): ReleaseParameters {
  const merged: ReleaseParameters = { ...before, ...change };
  if (before.train || change.train) merged.train = { ...before.train, ...change.train };
  if (before.limits || change.limits) merged.limits = { ...before.limits, ...change.limits };
  return merged;
}

export function hasParameters(parameters: ReleaseParameters): boolean {
  return Object.keys(parameters).length > 0;
}
