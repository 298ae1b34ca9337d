import { metricsOf } from "../../domain/evidence.ts";
import type { Measure, Weights } from "./measure.ts";
import { addsUpToOne, isProbability } from "./probability.ts";
import { calibrationBins, clip, type RankedScores, rankScores } from "./ranked-scores.ts";

export interface ClassScores {
  rows: number;
  width: number;
  /** Index of the true class. */
  labels: Int32Array;
  /** Index of the class with the largest probability; of equal ones the first, as numpy's argmax. */
  called: Int32Array;
  logLoss: Float64Array;
  /** Σ over the classes of (p − y)². */
  squaredError: Float64Array;
  /** Of the called class, sorted; `positive` where it is right. */
  top: RankedScores;
  /** One against the rest. */
  byClass: RankedScores[];
}

/** `probabilities` row-major, one column a class. Throws a RangeError for what are no probabilities. */
export function rankClassScores(labels: Int32Array, probabilities: Float32Array, width: number): ClassScores {
  const rows = labels.length;
  if (probabilities.length !== rows * width)
    throw new RangeError(`${probabilities.length} probabilities for ${rows} rows of ${width} classes.`);
  const called = new Int32Array(rows);
  const logLoss = new Float64Array(rows);
  const squaredError = new Float64Array(rows);
  const columns = Array.from({ length: width }, () => new Float64Array(rows));
  const topProbability = new Float64Array(rows);
  const right = new Uint8Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const label = labels[row]!;
    if (!(label >= 0 && label < width)) throw new RangeError(`The label of row ${row + 1} is class ${label} of ${width}.`);
    let sum = 0;
    let best = 0;
    for (let k = 0; k < width; k += 1) {
      const p = probabilities[row * width + k]!;
      if (!isProbability(p)) throw new RangeError(`A probability of row ${row + 1} is ${p}, not between 0 and 1.`);
      columns[k]![row] = p;
      sum += p;
      squaredError[row]! += (p - (k === label ? 1 : 0)) ** 2;
      if (p > probabilities[row * width + best]!) best = k;
    }
    if (!addsUpToOne(sum)) throw new RangeError(`The probabilities of row ${row + 1} add up to ${sum}, not to 1.`);
    called[row] = best;
    topProbability[row] = probabilities[row * width + best]!;
    right[row] = best === label ? 1 : 0;
    logLoss[row] = -Math.log(Math.min(Math.max(columns[label]![row]!, clip), 1 - clip));
  }
  return {
    rows,
    width,
    labels,
    called,
    logLoss,
    squaredError,
    top: rankScores(right, topProbability),
    byClass: columns.map((column, k) =>
      rankScores(
        Uint8Array.from(labels, (label) => (label === k ? 1 : 0)),
        column,
      ),
    ),
  };
}

/**
 * The metrics of a multiclass model. AUC is the unweighted mean over the classes, one against the rest
 * (`roc_auc_score(multi_class="ovr", average="macro")`); F1 and balanced accuracy likewise unweighted over the
 * classes that occur; calibration error that of the called class's probability.
 */
export function measureMulticlass(scores: ClassScores): Measure {
  const { rows, width, labels, called, logLoss, squaredError, top, byClass } = scores;
  const [actual, said, hits] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)];
  return {
    rows,
    names: metricsOf.multiclass,
    measure: (weights, into) => {
      for (const counts of [actual, said, hits]) counts.fill(0);
      let lossSum = 0;
      let squaredSum = 0;
      for (let row = 0; row < rows; row += 1) {
        const weight = weights === null ? 1 : weights[row]!;
        lossSum += weight * logLoss[row]!;
        squaredSum += weight * squaredError[row]!;
        const label = labels[row]!;
        actual[label]! += weight;
        said[called[row]!]! += weight;
        if (called[row] === label) hits[label]! += weight;
      }
      let recalls = 0;
      let f1s = 0;
      let present = 0;
      let concerned = 0;
      let right = 0;
      for (let k = 0; k < width; k += 1) {
        right += hits[k]!;
        if (actual[k]! > 0) {
          present += 1;
          recalls += hits[k]! / actual[k]!;
        }
        if (actual[k]! + said[k]! === 0) continue;
        concerned += 1;
        f1s += (2 * hits[k]!) / (actual[k]! + said[k]!);
      }
      into[0] = byClass.reduce((sum, one) => sum + weightedAuc(one, weights), 0) / width;
      into[1] = lossSum / rows;
      into[2] = right / rows;
      into[3] = recalls / present;
      into[4] = f1s / concerned;
      into[5] = squaredSum / rows;
      into[6] = weightedGap(top, weights) / rows;
    },
  };
}

/** NaN where the class, or all others, are not there. */
function weightedAuc({ rows, order, positive, tied }: RankedScores, weights: Weights): number {
  let pairs = 0;
  let positives = 0;
  let negatives = 0;
  let groupPositives = 0;
  let groupNegatives = 0;
  for (let rank = 0; rank < rows; rank += 1) {
    if (tied[rank] === 0) {
      pairs += groupPositives * (negatives + groupNegatives / 2);
      positives += groupPositives;
      negatives += groupNegatives;
      groupPositives = 0;
      groupNegatives = 0;
    }
    const weight = weights === null ? 1 : weights[order[rank]!]!;
    if (positive[rank] === 1) groupPositives += weight;
    else groupNegatives += weight;
  }
  pairs += groupPositives * (negatives + groupNegatives / 2);
  return pairs / ((positives + groupPositives) * (negatives + groupNegatives));
}

/** Σ |predicted − right| over ten equal-count bins. */
function weightedGap({ rows, order, positive, tied, probability }: RankedScores, weights: Weights): number {
  let gap = 0;
  let predicted = 0;
  let right = 0;
  let before = 0;
  let bin = 1;
  for (let rank = 0; rank < rows; rank += 1) {
    if (tied[rank] === 0 && bin < calibrationBins && before > Math.floor(((rows - 1) * bin) / calibrationBins)) {
      gap += Math.abs(predicted - right);
      predicted = 0;
      right = 0;
      while (bin < calibrationBins && before > Math.floor(((rows - 1) * bin) / calibrationBins)) bin += 1;
    }
    const weight = weights === null ? 1 : weights[order[rank]!]!;
    before += weight;
    predicted += weight * probability[rank]!;
    right += weight * positive[rank]!;
  }
  return gap + Math.abs(predicted - right);
}
