import type { DesignMatrix } from "./design-matrix.ts";

/** Where each column's weight stands: the intercept at 0, then dense columns, then each string feature's categories. */
export interface Layout {
  size: number;
  offsets: number[];
}

/** What stays the same from round to round. */
export interface Problem {
  design: DesignMatrix;
  layout: Layout;
}

export function layOut(design: DesignMatrix): Layout {
  let size = 1 + design.dense.length;
  const offsets = design.categories.map(({ categories }) => {
    size += categories.length;
    return size - categories.length;
  });
  return { size, offsets };
}

/** Writes the weighted sum of each row's columns to `sums`. */
export function sumColumns({ design, layout }: Problem, weights: Float64Array, sums: Float64Array): void {
  sums.fill(weights[0]!);
  design.dense.forEach(({ values }, column) => {
    const weight = weights[column + 1]!;
    for (let row = 0; row < sums.length; row += 1) sums[row] = sums[row]! + weight * values[row]!;
  });
  design.categories.forEach(({ codes }, feature) => {
    const offset = layout.offsets[feature]!;
    for (let row = 0; row < sums.length; row += 1) {
      const code = codes[row]!;
      if (code >= 0) sums[row] = sums[row]! + weights[offset + code]!;
    }
  });
}

/** Xᵀr: of each column the sum of the rows' residuals. One-hot columns are never written out. */
export function gradientOf({ design, layout }: Problem, residual: Float64Array): Float64Array {
  const gradient = new Float64Array(layout.size);
  gradient[0] = total(residual);
  design.dense.forEach(({ values }, column) => (gradient[column + 1] = dot(residual, values)));
  design.categories.forEach(({ codes }, feature) =>
    scatter({ into: gradient, codes, offset: layout.offsets[feature]!, stride: 1, column: 0, values: residual }),
  );
  return gradient;
}

/** The lower triangle of XᵀWX, row-major, for the rows' weights W. */
export function hessianOf({ design, layout }: Problem, curvature: Float64Array): Float64Array {
  const { rows, dense, categories } = design;
  const { size, offsets } = layout;
  const hessian = new Float64Array(size * size);
  hessian[0] = total(curvature);
  const weighted = new Float64Array(rows);
  dense.forEach(({ values }, column) => {
    const place = column + 1;
    for (let row = 0; row < rows; row += 1) weighted[row] = curvature[row]! * values[row]!;
    hessian[place * size] = total(weighted);
    for (let other = 0; other <= column; other += 1) hessian[place * size + other + 1] = dot(weighted, dense[other]!.values);
    categories.forEach(({ codes }, feature) =>
      scatter({ into: hessian, codes, offset: offsets[feature]!, stride: size, column: place, values: weighted }),
    );
  });
  categories.forEach(({ codes }, feature) => {
    const offset = offsets[feature]!;
    scatter({ into: hessian, codes, offset, stride: size, column: 0, values: curvature });
    for (let code = 0; code < categories[feature]!.categories.length; code += 1) {
      const place = offset + code;
      hessian[place * size + place] = hessian[place * size]!;
    }
    for (let other = 0; other < feature; other += 1)
      scatterPairs({ hessian, size, codes, offset, values: curvature }, categories[other]!.codes, offsets[other]!);
  });
  return hessian;
}

/** Adds the penalty λ/2 · |weights|², from which the intercept is free, to a gradient and a Hessian. */
export function penalise(at: { gradient: Float64Array; hessian: Float64Array; weights: Float64Array }, l2: number): void {
  const { gradient, hessian, weights } = at;
  const size = weights.length;
  for (let index = 1; index < size; index += 1) {
    gradient[index] = gradient[index]! + l2 * weights[index]!;
    hessian[index * size + index] = hessian[index * size + index]! + l2;
  }
}

/** The weights by what they belong to. */
export function unpack({ design, layout }: Problem, weights: Float64Array) {
  return {
    intercept: weights[0]!,
    dense: weights.slice(1, 1 + design.dense.length),
    categories: design.categories.map(({ categories }, feature) =>
      weights.slice(layout.offsets[feature], layout.offsets[feature]! + categories.length),
    ),
  };
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
