import type { Estimate } from "../../domain/evidence.ts";
import { twoSidedP, z95 } from "./distributions.ts";

/** A share of whole numbers with its 95 % Wilson score interval (Wilson 1927), which holds with few rows and at 0 and 1. */
export function shareOf(hits: number, rows: number): Estimate {
  const p = hits / rows;
  const z2 = z95 * z95;
  const centre = (hits + z2 / 2) / (rows + z2);
  const half = (z95 / (rows + z2)) * Math.sqrt((hits * (rows - hits)) / rows + z2 / 4);
  return { value: p, low: hits === 0 ? 0 : centre - half, high: hits === rows ? 1 : centre + half };
}

/** The difference of two independent shares, first minus second, by Newcombe's hybrid of the Wilson intervals (1998, method 10). */
export function differenceOfShares(first: Estimate, second: Estimate): Estimate {
  const value = first.value - second.value;
  return {
    value,
    low: value - Math.hypot(first.value - first.low, second.high - second.value),
    high: value + Math.hypot(first.high - first.value, second.value - second.low),
  };
}

/**
 * The ratio of two independent shares (Katz et al. 1978, on the logarithm); null where the second is 0 and nothing can be
 * divided. A first share of 0 is the ratio 0, its upper end told with half a hit more on either side (Haldane, Anscombe).
 */
export function ratioOfShares(first: { hits: number; rows: number }, second: { hits: number; rows: number }): Estimate | null {
  if (second.hits === 0) return null;
  if (first.hits === 0) {
    const half = ({ hits, rows }: typeof first) => ({ hits: hits + 0.5, rows: rows + 0.5 });
    return { value: 0, low: 0, high: ratioOfShares(half(first), half(second))?.high ?? 1 };
  }
  const value = first.hits / first.rows / (second.hits / second.rows);
  const error = Math.sqrt(1 / first.hits - 1 / first.rows + 1 / second.hits - 1 / second.rows);
  return { value, low: value * Math.exp(-z95 * error), high: value * Math.exp(z95 * error) };
}

/** A sum kept so that mean and variance can be told without the rows. */
export interface Moments {
  rows: number;
  mean: number;
  /** Of the values, with n − 1. */
  variance: number;
}

/** Two passes: one pass by squares loses the digits of large values with little spread. */
export function momentsOf(rows: number, valueOf: (index: number) => number): Moments {
  let sum = 0;
  for (let index = 0; index < rows; index += 1) sum += valueOf(index);
  const mean = sum / rows;
  let squares = 0;
  for (let index = 0; index < rows; index += 1) squares += (valueOf(index) - mean) ** 2;
  return { rows, mean, variance: rows > 1 ? squares / (rows - 1) : 0 };
}

/** A mean with the 95 % interval of its standard error. */
export function meanOf({ rows, mean, variance }: Moments): Estimate {
  return around(mean, Math.sqrt(variance / rows));
}

/**
 * A difference with its interval and two-sided p-value by the same standard error, so that the interval excludes nought
 * exactly where p < 0.05. Without any spread beyond the rounding of doubles at `scale` it is either none or certain.
 */
export function normalTest(value: number, error: number, scale = 1): { difference: Estimate; p: number } {
  const rounding = 1e-12 * scale;
  if (error > rounding) return { difference: around(value, error), p: twoSidedP(value / error) };
  const certain = Math.abs(value) > rounding ? value : 0;
  return { difference: { value: certain, low: certain, high: certain }, p: certain === 0 ? 1 : 0 };
}

export function around(value: number, error: number): Estimate {
  return { value, low: value - z95 * error, high: value + z95 * error };
}
