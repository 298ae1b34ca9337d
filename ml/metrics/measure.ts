import type { MetricName } from "../../domain/evidence.ts";

/** How often each row counts: whole numbers that add up to the number of rows; null: once each. */
export type Weights = Uint32Array | null;

/**
 * A model's answers on labelled rows, prepared so that its metrics under any weights are one walk
 * through memory. `measure` writes a value for each of `names`; NaN where it cannot be told (an AUC of
 * one class).
 */
export interface Measure {
  rows: number;
  names: readonly MetricName[];
  measure(weights: Weights, into: Float64Array): void;
}

export type MetricValues = Partial<Record<MetricName, number>>;

/** Every row once. */
export function plainValues({ names, measure }: Measure): MetricValues {
  const values = new Float64Array(names.length);
  measure(null, values);
  return Object.fromEntries(names.map((name, index) => [name, values[index]!]));
}
