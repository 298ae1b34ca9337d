import type { DesignMatrix } from "./design-matrix.ts";
import { minimise } from "./lbfgs.ts";
import { gradientOf, layOut, sumColumns, unpack } from "./normal-equations.ts";

/** The weights of one class. */
export interface ClassFit {
  intercept: number;
  dense: Float64Array;
  categories: Float64Array[];
}

export interface SoftmaxFit {
  /** In the order of the classes. */
  classes: ClassFit[];
  iterations: number;
  /** Mean log loss on the training rows. */
  logLoss: number;
}

/** The gradient's largest entry a row at the end; the probabilities are then right to five digits. */
const toleranceARow = 1e-7;

/**
 * L2-regularised multinomial logistic regression: the sum of log losses + λ/2 · |weights|² over all classes
 * (scikit-learn's C is 1/λ); the intercepts are free. By L-BFGS: Newton's Hessian would have the square of
 * classes × columns. Throws a RangeError where fewer than two classes occur or it does not converge.
 */
export function fitSoftmax(
  design: DesignMatrix,
  labels: Uint8Array,
  options: { classes: number; l2: number; maxIterations: number; onIteration?: (iteration: number, objective: number) => void },
): SoftmaxFit {
  const present = new Set(labels);
  if (present.size < 2) throw new RangeError(`All ${labels.length} labels are of one class: there is nothing to learn.`);
  const layout = layOut(design);
  const problem = { design, layout };
  const { rows } = design;
  const { classes, l2 } = options;
  const scores = Array.from({ length: classes }, () => new Float64Array(rows));
  const ofClass = (weights: Float64Array, index: number) => weights.subarray(index * layout.size, (index + 1) * layout.size);

  function evaluate(weights: Float64Array): { value: number; gradient: Float64Array } {
    scores.forEach((score, index) => sumColumns(problem, ofClass(weights, index), score));
    let value = turnIntoResiduals(scores, labels);
    const gradient = new Float64Array(weights.length);
    scores.forEach((residual, index) => ofClass(gradient, index).set(gradientOf(problem, residual)));
    for (let index = 0; index < weights.length; index += 1) {
      if (index % layout.size === 0) continue;
      value += (l2 / 2) * weights[index]! ** 2;
      gradient[index] = gradient[index]! + l2 * weights[index]!;
    }
    return { value, gradient };
  }

  const { maxIterations, onIteration } = options;
  const found = minimise(evaluate, new Float64Array(classes * layout.size), {
    tolerance: Math.max(toleranceARow * rows, 1e-6),
    // A round costs one pass over the rows, a fraction of one of Newton's.
    maxIterations: 20 * maxIterations,
    ...(onIteration === undefined ? {} : { onIteration }),
  });
  scores.forEach((score, index) => sumColumns(problem, ofClass(found.point, index), score));
  return {
    classes: scores.map((_, index) => unpack(problem, ofClass(found.point, index))),
    iterations: found.iterations,
    logLoss: turnIntoResiduals(scores, labels) / rows,
  };
}

/** Puts probability minus truth in the place of each class's scores and gives the sum of log losses. */
function turnIntoResiduals(scores: Float64Array[], labels: Uint8Array): number {
  let loss = 0;
  for (let row = 0; row < labels.length; row += 1) {
    const truth = labels[row]!;
    let most = Number.NEGATIVE_INFINITY;
    for (const score of scores) most = Math.max(most, score[row]!);
    let sum = 0;
    for (const score of scores) sum += Math.exp(score[row]! - most);
    loss += Math.log(sum) + most - scores[truth]![row]!;
    for (const [index, score] of scores.entries()) score[row] = Math.exp(score[row]! - most) / sum - (index === truth ? 1 : 0);
  }
  return loss;
}
