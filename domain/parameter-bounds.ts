import type { ParameterBounds } from "./policy.ts";
import type { ReleaseParameters } from "./stage-results.ts";

/**
 * Names of the parameters that go beyond what a policy lets reviewers ask for, as in `seed`, `months`,
 * `train.l2`. Whoever asks for those shapes the model and cannot decide on it. Limits of time and
 * memory shape nothing.
 */
export function beyondBounds(parameters: ReleaseParameters, bounds: ParameterBounds = {}): string[] {
  const { train = {}, limits: _, ...plain } = parameters;
  const asked = [...Object.entries(plain), ...Object.entries(train).map(([name, value]) => [`train.${name}`, value] as const)];
  return asked.filter(([name, value]) => value !== undefined && !isWithin(value, bounds[name])).map(([name]) => name);
}

function isWithin(value: unknown, bound: ParameterBounds[string] | undefined): boolean {
  if (bound === undefined) return false;
  if ("oneOf" in bound) return bound.oneOf.some((one) => one === value);
  return typeof value === "number" && value >= bound.min && value <= bound.max;
}
