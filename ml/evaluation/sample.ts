import { createRandom } from "../metrics/random.ts";
import type { FeatureColumns } from "../trainers/training-data.ts";

/** Up to `most` of the rows, drawn without replacement by the seed; ascending. All of them where they are no more. */
export function drawRows(rows: number, most: number, seed: number): Uint32Array {
  const all = Uint32Array.from({ length: rows }, (_, row) => row);
  if (rows <= most) return all;
  shuffle(all, seed);
  return all.slice(0, most).sort();
}

/** Fisher and Yates, in place. */
export function shuffle(values: Uint32Array, seed: number): void {
  const random = createRandom(seed);
  for (let last = values.length - 1; last > 0; last -= 1) {
    const other = Math.floor((random() / 2 ** 32) * (last + 1));
    [values[last], values[other]] = [values[other]!, values[last]!];
  }
}

export function pickRows(columns: FeatureColumns, rows: Uint32Array): FeatureColumns {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, pickColumn(column, rows)]));
}

/** One column in another order, or some of it. */
export function pickColumn(column: FeatureColumns[string], rows: Uint32Array): FeatureColumns[string] {
  return column instanceof Float32Array
    ? Float32Array.from(rows, (row) => column[row]!)
    : Array.from(rows, (row) => column[row]!);
}
