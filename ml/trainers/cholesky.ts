/**
 * Solves A x = b for a symmetric positive definite A (row-major, only its lower triangle is read;
 * it is overwritten by its Cholesky factor). Throws a RangeError where A is not positive definite.
 */
export function solveCholesky(a: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  for (let row = 0; row < size; row += 1) {
    const rowStart = row * size;
    for (let column = 0; column <= row; column += 1) {
      const columnStart = column * size;
      let value = a[rowStart + column]!;
      for (let k = 0; k < column; k += 1) value -= a[rowStart + k]! * a[columnStart + k]!;
      if (column < row) {
        a[rowStart + column] = value / a[columnStart + column]!;
      } else {
        if (!(value > 0))
          throw new RangeError("The features are linearly dependent beyond what regularisation can carry: raise l2.");
        a[rowStart + row] = Math.sqrt(value);
      }
    }
  }
  const x = Float64Array.from(b);
  for (let row = 0; row < size; row += 1) {
    let value = x[row]!;
    for (let k = 0; k < row; k += 1) value -= a[row * size + k]! * x[k]!;
    x[row] = value / a[row * size + row]!;
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    let value = x[row]!;
    for (let k = row + 1; k < size; k += 1) value -= a[k * size + row]! * x[k]!;
    x[row] = value / a[row * size + row]!;
  }
  return x;
}
