import { pickColumn, shuffle } from "../evaluation/sample.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import type { Matrix } from "./onnx-graph.ts";

/**
 * Which feature each encoded column comes from, found by trying: a feature's values are shuffled, and the
 * columns that change are its own. Works for whatever the graph does before its trees. Null for a
 * column that several features make, and for one that never changes.
 */
export async function ownersOf(
  features: Feature[],
  { columns, encoded, seed }: { columns: FeatureColumns; encoded: Matrix; seed: number },
  run: (columns: FeatureColumns) => Promise<Matrix | null>,
): Promise<(number | null)[]> {
  const owners: (number | null)[] = Array.from({ length: encoded.width }, () => null);
  const shared = new Set<number>();
  for (const [index, { name }] of features.entries()) {
    const order = Uint32Array.from({ length: encoded.rows }, (_, row) => row);
    shuffle(order, seed + index);
    const other = await run({ ...columns, [name]: pickColumn(columns[name]!, order) });
    if (other === null || other.width !== encoded.width) return owners.fill(null);
    for (let column = 0; column < encoded.width; column += 1) {
      if (!differs(encoded, other, column)) continue;
      if (owners[column] !== null) shared.add(column);
      owners[column] = index;
    }
  }
  for (const column of shared) owners[column] = null;
  return owners;
}

function differs(one: Matrix, other: Matrix, column: number): boolean {
  for (let row = 0; row < one.rows; row += 1) {
    const at = row * one.width + column;
    // NaN stays NaN where a missing value was swapped with another.
    if (!Object.is(one.values[at], other.values[at])) return true;
  }
  return false;
}
