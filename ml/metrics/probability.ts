/**
 * How far rounding in float32 can carry a probability past 0 or 1. A sum of n terms is off by at most n × 2⁻²⁴
 * (6e-8 each): a sigmoid answers 1.0000001, a forest of 500 trees up to 1.00003. This covers 1,600 terms;
 * what lies further out is no rounding, and no probability.
 */
export const probabilityTolerance = 1e-4;

/** The probabilities of a row may miss 1 by the rounding of each of them: measured some 1e-7 a class, and there may be thousands. */
const sumTolerance = 1e-3;

/** Puts what only rounding carried past 0 or 1 back there, in place; anything else stays as it is, for `isProbability` to refuse. */
export function clipProbabilities(values: Float32Array): Float32Array {
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!;
    if (value > 1 && value <= 1 + probabilityTolerance) values[index] = 1;
    else if (value < 0 && value >= -probabilityTolerance) values[index] = 0;
  }
  return values;
}

/** False for NaN. */
export function isProbability(value: number): boolean {
  return value >= 0 && value <= 1;
}

export function addsUpToOne(sum: number): boolean {
  return Math.abs(sum - 1) <= sumTolerance;
}
