import { solveCholesky } from "./cholesky.ts";
import type { DesignMatrix } from "./design-matrix.ts";
import { gradientOf, hessianOf, layOut, penalise, type Problem, sumColumns, unpack } from "./normal-equations.ts";

export interface LogisticFit {
  intercept: number;
  /** One weight a dense column, in the order of the design. */
  dense: Float64Array;
  /** One array a string feature: a weight a category. */
  categories: Float64Array[];
  iterations: number;
  /** Of the training rows, in their order. */
  probabilities: Float64Array;
}

export interface LogisticOptions {
  /** Penalty λ: the sum of log losses + λ/2 · |weights|² is minimised (scikit-learn's C is 1/λ); the intercept is free. */
  l2: number;
  maxIterations: number;
  onIteration?: (iteration: number, objective: number) => void;
}

/** The last Newton step changed the objective by less than this; the error after it is of its square's order. */
const tolerance = 1e-9;

/**
 * L2-regularised logistic regression by Newton's method (iteratively reweighted least squares) with
 * step halving. One-hot columns are never written out: a row touches one entry a feature, so a
 * round costs rows × (dense² / 2 + dense × strings + strings² / 2).
 * Throws a RangeError where all labels are the same or it does not converge.
 */
export function fitLogistic(design: DesignMatrix, labels: Uint8Array, options: LogisticOptions): LogisticFit {
  const positives = labels.reduce((count, label) => count + label, 0);
  if (positives === 0 || positives === labels.length)
    throw new RangeError(`All ${labels.length} labels are ${positives === 0 ? 0 : 1}: there is nothing to learn.`);
  const layout = layOut(design);
  const logits = new Float64Array(design.rows);
  let weights = new Float64Array(layout.size);
  weights[0] = Math.log(positives / (labels.length - positives));
  sumColumns({ design, layout }, weights, logits);
  let objective = objectiveOf({ labels, logits, weights, l2: options.l2 });
  for (let iteration = 1; iteration <= options.maxIterations; iteration += 1) {
    const { gradient, hessian } = derivatives({
      design,
      layout,
      labels,
      logits,
      weights,
      l2: options.l2,
    });
    const step = solveCholesky(hessian, gradient);
    let decrement = 0;
    for (let index = 0; index < step.length; index += 1) decrement += gradient[index]! * step[index]!;
    let next = weights;
    let nextObjective = Number.POSITIVE_INFINITY;
    for (let length = 1; length > 1e-6; length /= 2) {
      next = weights.map((weight, index) => weight - length * step[index]!);
      sumColumns({ design, layout }, next, logits);
      nextObjective = objectiveOf({ labels, logits, weights: next, l2: options.l2 });
      // Rounding of a sum over all rows is no increase.
      if (nextObjective <= objective + 1e-12 * Math.abs(objective)) break;
    }
    weights = next;
    objective = nextObjective;
    options.onIteration?.(iteration, objective);
    if (decrement < tolerance)
      return {
        ...unpack({ design, layout }, weights),
        iterations: iteration,
        probabilities: logits.map((logit) => 1 / (1 + Math.exp(-logit))),
      };
  }
  throw new RangeError(`No convergence after ${options.maxIterations} iterations: raise l2 or maxIterations.`);
}

interface Point {
  labels: Uint8Array;
  logits: Float64Array;
  weights: Float64Array;
  l2: number;
}

function objectiveOf({ labels, logits, weights, l2 }: Point): number {
  let loss = 0;
  for (let row = 0; row < labels.length; row += 1) {
    const logit = logits[row]!;
    // log(1 + e^x) without overflow.
    loss += Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - labels[row]! * logit;
  }
  let squares = 0;
  for (let index = 1; index < weights.length; index += 1) squares += weights[index]! ** 2;
  return loss + (l2 / 2) * squares;
}

/** Gradient, and the lower triangle of the Hessian XᵀWX + λI. */
function derivatives({ labels, logits, weights, l2, ...problem }: Point & Problem) {
  const residual = new Float64Array(labels.length);
  const curvature = new Float64Array(labels.length);
  for (let row = 0; row < labels.length; row += 1) {
    const p = 1 / (1 + Math.exp(-logits[row]!));
    residual[row] = p - labels[row]!;
    curvature[row] = p * (1 - p);
  }
  const gradient = gradientOf(problem, residual);
  const hessian = hessianOf(problem, curvature);
  penalise({ gradient, hessian, weights }, l2);
  return { gradient, hessian };
}
