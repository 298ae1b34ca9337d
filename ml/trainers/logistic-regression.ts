import { solveCholesky } from "./cholesky.ts";
import type { DesignMatrix } from "./design-matrix.ts";

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
  computeLogits({ design, layout }, weights, logits);
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
      computeLogits({ design, layout }, next, logits);
      nextObjective = objectiveOf({ labels, logits, weights: next, l2: options.l2 });
      // Rounding of a sum over all rows is no increase.
      if (nextObjective <= objective + 1e-12 * Math.abs(objective)) break;
    }
    weights = next;
    objective = nextObjective;
    options.onIteration?.(iteration, objective);
    if (decrement < tolerance) return unpack({ design, layout }, weights, { logits, iterations: iteration });
  }
  throw new RangeError(`No convergence after ${options.maxIterations} iterations: raise l2 or maxIterations.`);
}

/** Where each column's weight stands: the intercept at 0, then dense columns, then each string feature's categories. */
interface Layout {
  size: number;
  offsets: number[];
}

/** What stays the same from round to round. */
interface Problem {
  design: DesignMatrix;
  layout: Layout;
}

function layOut(design: DesignMatrix): Layout {
  let size = 1 + design.dense.length;
  const offsets = design.categories.map(({ categories }) => {
    size += categories.length;
    return size - categories.length;
  });
  return { size, offsets };
}

function computeLogits({ design, layout }: Problem, weights: Float64Array, logits: Float64Array): void {
  logits.fill(weights[0]!);
  design.dense.forEach(({ values }, column) => {
    const weight = weights[column + 1]!;
    for (let row = 0; row < logits.length; row += 1) logits[row] = logits[row]! + weight * values[row]!;
  });
  design.categories.forEach(({ codes }, feature) => {
    const offset = layout.offsets[feature]!;
    for (let row = 0; row < logits.length; row += 1) {
      const code = codes[row]!;
      if (code >= 0) logits[row] = logits[row]! + weights[offset + code]!;
    }
  });
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
function derivatives({ design, layout, labels, logits, weights, l2 }: Point & Problem) {
  const { rows, dense, categories } = design;
  const { size, offsets } = layout;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const residual = new Float64Array(rows);
  const curvature = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const p = 1 / (1 + Math.exp(-logits[row]!));
    residual[row] = p - labels[row]!;
    curvature[row] = p * (1 - p);
  }
  gradient[0] = total(residual);
  hessian[0] = total(curvature);
  const weighted = new Float64Array(rows);
  dense.forEach(({ values }, column) => {
    const place = column + 1;
    gradient[place] = dot(residual, values);
    for (let row = 0; row < rows; row += 1) weighted[row] = curvature[row]! * values[row]!;
    hessian[place * size] = total(weighted);
    for (let other = 0; other <= column; other += 1) hessian[place * size + other + 1] = dot(weighted, dense[other]!.values);
    categories.forEach(({ codes }, feature) =>
      scatter({
        into: hessian,
        codes,
        offset: offsets[feature]!,
        stride: size,
        column: place,
        values: weighted,
      }),
    );
  });
  categories.forEach(({ codes }, feature) => {
    const offset = offsets[feature]!;
    scatter({ into: gradient, codes, offset, stride: 1, column: 0, values: residual });
    scatter({ into: hessian, codes, offset, stride: size, column: 0, values: curvature });
    for (let code = 0; code < categories[feature]!.categories.length; code += 1) {
      const place = offset + code;
      hessian[place * size + place] = hessian[place * size]!;
    }
    for (let other = 0; other < feature; other += 1)
      scatterPairs({ hessian, size, codes, offset, values: curvature }, categories[other]!.codes, offsets[other]!);
  });
  for (let index = 1; index < size; index += 1) {
    gradient[index] = gradient[index]! + l2 * weights[index]!;
    hessian[index * size + index] = hessian[index * size + index]! + l2;
  }
  return { gradient, hessian };
}

interface Scatter {
  into: Float64Array;
  codes: Int32Array;
  offset: number;
  stride: number;
  column: number;
  values: Float64Array;
}

/** Adds each row's value to the entry of its category. */
function scatter({ into, codes, offset, stride, column, values }: Scatter): void {
  for (let row = 0; row < codes.length; row += 1) {
    const code = codes[row]!;
    if (code < 0) continue;
    const place = (offset + code) * stride + column;
    into[place] = into[place]! + values[row]!;
  }
}

/** Adds each row's curvature where its categories of two features meet. */
function scatterPairs(
  {
    hessian,
    size,
    codes,
    offset,
    values,
  }: {
    hessian: Float64Array;
    size: number;
    codes: Int32Array;
    offset: number;
    values: Float64Array;
  },
  otherCodes: Int32Array,
  otherOffset: number,
): void {
  for (let row = 0; row < codes.length; row += 1) {
    const code = codes[row]!;
    const otherCode = otherCodes[row]!;
    if (code < 0 || otherCode < 0) continue;
    const place = (offset + code) * size + otherOffset + otherCode;
    hessian[place] = hessian[place]! + values[row]!;
  }
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += left[index]! * right[index]!;
  return sum;
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function unpack(
  { design, layout }: Problem,
  weights: Float64Array,
  end: { logits: Float64Array; iterations: number },
): LogisticFit {
  return {
    intercept: weights[0]!,
    dense: weights.slice(1, 1 + design.dense.length),
    categories: design.categories.map(({ categories }, feature) =>
      weights.slice(layout.offsets[feature], layout.offsets[feature]! + categories.length),
    ),
    iterations: end.iterations,
    probabilities: end.logits.map((logit) => 1 / (1 + Math.exp(-logit))),
  };
}
