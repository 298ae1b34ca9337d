import { isProbability } from "./probability.ts";

/** Probabilities are clipped to this distance from 0 and 1 before their logarithm is taken. */
export const clip = 1e-15;
export const calibrationBins = 10;

/**
 * A model's probabilities sorted once, with everything that a weighted pass needs lying in that
 * order, so that each bootstrap round is one walk through memory instead of a sort.
 */
export interface RankedScores {
  rows: number;
  /** Row of the i-th smallest probability; equal ones in row order. */
  order: Uint32Array;
  probability: Float64Array;
  positive: Uint8Array;
  /** 1 where the i-th probability equals the one before it. */
  tied: Uint8Array;
  logLoss: Float64Array;
  squaredError: Float64Array;
}

/** `labels` 0 or 1, `probabilities` of the positive class, in the same order. Throws a RangeError for anything else. */
export function rankScores(labels: Uint8Array, probabilities: ArrayLike<number>): RankedScores {
  const rows = labels.length;
  if (probabilities.length !== rows) throw new RangeError(`${probabilities.length} probabilities for ${rows} labels.`);
  for (let row = 0; row < rows; row += 1) {
    const p = probabilities[row]!;
    if (!isProbability(p)) throw new RangeError(`The probability of row ${row + 1} is ${p}, not between 0 and 1.`);
    if (labels[row]! > 1) throw new RangeError(`The label of row ${row + 1} is ${labels[row]}, neither 0 nor 1.`);
  }
  const order = Uint32Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => probabilities[a]! - probabilities[b]! || a - b,
  );
  const ranked: RankedScores = {
    rows,
    order,
    probability: new Float64Array(rows),
    positive: new Uint8Array(rows),
    tied: new Uint8Array(rows),
    logLoss: new Float64Array(rows),
    squaredError: new Float64Array(rows),
  };
  for (let rank = 0; rank < rows; rank += 1) {
    const row = order[rank]!;
    const p = probabilities[row]!;
    const positive = labels[row]!;
    ranked.probability[rank] = p;
    ranked.positive[rank] = positive;
    ranked.tied[rank] = rank > 0 && p === ranked.probability[rank - 1] ? 1 : 0;
    const clipped = Math.min(Math.max(p, clip), 1 - clip);
    ranked.logLoss[rank] = -Math.log(positive === 1 ? clipped : 1 - clipped);
    ranked.squaredError[rank] = (p - positive) ** 2;
  }
  return ranked;
}
