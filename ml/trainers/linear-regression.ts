import { solveCholesky } from "./cholesky.ts";
import type { DesignMatrix } from "./design-matrix.ts";
import { gradientOf, hessianOf, layOut, penalise, sumColumns, unpack } from "./normal-equations.ts";

export interface LinearFit {
  intercept: number;
  dense: Float64Array;
  categories: Float64Array[];
  /** Of the training rows, in their order. */
  predictions: Float64Array;
}

/**
 * Ridge regression by the normal equations: half the sum of squares + λ/2 · |weights|² is minimised
 * (scikit-learn's alpha is λ); the intercept is free. The residuals are those around the mean, so
 * that a target far from nought loses no digits. Throws a RangeError where all targets are the same.
 */
export function fitLinear(design: DesignMatrix, targets: Float64Array, l2: number): LinearFit {
  const first = targets[0];
  if (targets.every((target) => target === first))
    throw new RangeError(`All ${targets.length} labels are ${first}: there is nothing to learn.`);
  const layout = layOut(design);
  const problem = { design, layout };
  let mean = 0;
  for (const target of targets) mean += target / targets.length;
  const gradient = gradientOf(
    problem,
    targets.map((target) => target - mean),
  );
  const hessian = hessianOf(problem, new Float64Array(design.rows).fill(1));
  penalise({ gradient, hessian, weights: new Float64Array(layout.size) }, l2);
  const weights = solveCholesky(hessian, gradient);
  weights[0] = weights[0]! + mean;
  const predictions = new Float64Array(design.rows);
  sumColumns(problem, weights, predictions);
  return { ...unpack(problem, weights), predictions };
}
