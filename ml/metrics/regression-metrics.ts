import { metricsOf } from "../../domain/evidence.ts";
import type { Measure } from "./measure.ts";

export interface ValueScores {
  rows: number;
  labels: Float64Array;
  values: Float64Array;
  /** Rows by the size of their error. */
  byError: Uint32Array;
}

/** Throws a RangeError where a label or a prediction is no finite number. */
export function rankValues(labels: ArrayLike<number>, values: ArrayLike<number>): ValueScores {
  const rows = labels.length;
  if (values.length !== rows) throw new RangeError(`${values.length} predictions for ${rows} labels.`);
  for (let row = 0; row < rows; row += 1) {
    if (!Number.isFinite(values[row])) throw new RangeError(`The prediction of row ${row + 1} is ${values[row]}.`);
    if (!Number.isFinite(labels[row])) throw new RangeError(`The label of row ${row + 1} is ${labels[row]}.`);
  }
  const error = Float64Array.from({ length: rows }, (_, row) => Math.abs(values[row]! - labels[row]!));
  return {
    rows,
    labels: Float64Array.from(labels),
    values: Float64Array.from(values),
    byError: Uint32Array.from({ length: rows }, (_, row) => row).sort((a, b) => error[a]! - error[b]! || a - b),
  };
}

/**
 * The metrics of a regression. Pinball loss (Koenker and Bassett 1978) is that of `quantile`; at 0.5 it
 * is half the mean absolute error. r² is NaN where all labels are equal.
 */
export function measureRegression({ rows, labels, values, byError }: ValueScores, quantile: number): Measure {
  return {
    rows,
    names: metricsOf.regression,
    measure: (weights, into) => {
      let squared = 0;
      let absolute = 0;
      let pinball = 0;
      let sum = 0;
      for (let row = 0; row < rows; row += 1) {
        const weight = weights === null ? 1 : weights[row]!;
        if (weight === 0) continue;
        const error = labels[row]! - values[row]!;
        squared += weight * error * error;
        absolute += weight * Math.abs(error);
        pinball += weight * (error >= 0 ? quantile * error : (quantile - 1) * error);
        sum += weight * labels[row]!;
      }
      const mean = sum / rows;
      let spread = 0;
      for (let row = 0; row < rows; row += 1) spread += (weights === null ? 1 : weights[row]!) * (labels[row]! - mean) ** 2;
      into[0] = Math.sqrt(squared / rows);
      into[1] = absolute / rows;
      into[2] = spread === 0 ? Number.NaN : 1 - squared / spread;
      into[3] = medianError();
      into[4] = pinball / rows;

      /** The mean of the two middle ones where the number of rows is even, as numpy's. */
      function medianError(): number {
        const [lower, upper] = [Math.floor((rows - 1) / 2), Math.floor(rows / 2)];
        let before = 0;
        let found = 0;
        for (let rank = 0; rank < rows; rank += 1) {
          const row = byError[rank]!;
          const after = before + (weights === null ? 1 : weights[row]!);
          const error = Math.abs(values[row]! - labels[row]!);
          if (before <= lower && lower < after) found += error / 2;
          if (before <= upper && upper < after) return found + error / 2;
          before = after;
        }
        return found;
      }
    },
  };
}
