import type { Feature, FeatureColumns } from "./training-data.ts";

/** One dense column: a standardised number, or the indicator of where a number is missing (0 or 1). */
export interface DenseColumn {
  feature: string;
  kind: "number" | "missing";
  values: Float64Array;
  fill: number;
  mean: number;
  scale: number;
}

/** A string feature as one-hot: of each row only which category it has (−1: none of those kept). */
export interface CategoryColumn {
  feature: string;
  categories: string[];
  codes: Int32Array;
}

export interface DesignMatrix {
  rows: number;
  dense: DenseColumn[];
  categories: CategoryColumn[];
}

/** The design that is fitted: median imputation with an indicator, standardised numbers, one-hot strings of the most frequent values. */
export function buildDesign(features: Feature[], columns: FeatureColumns, maxCategories: number): DesignMatrix {
  const design: DesignMatrix = { rows: 0, dense: [], categories: [] };
  for (const { name } of features) {
    const column = columns[name];
    if (column === undefined) throw new RangeError(`The column ${name} is not there.`);
    design.rows = column.length;
    if (column instanceof Float32Array) design.dense.push(...denseColumns(name, column));
    else design.categories.push(encodeCategories(name, column, maxCategories));
  }
  return design;
}

function denseColumns(feature: string, raw: Float32Array): DenseColumn[] {
  const rows = raw.length;
  // Plain loops: `Float64Array.from` with a function took longer than the fit.
  const present = new Float32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row += 1) if (Number.isFinite(raw[row])) present[count++] = raw[row]!;
  // The model holds float32: the same rounding here, so that training and serving see one value.
  const fill = Math.fround(medianOf(present.subarray(0, count).sort()));
  const missing = new Float64Array(rows);
  const values = new Float64Array(rows);
  let total = 0;
  for (let row = 0; row < rows; row += 1) {
    const value = raw[row]!;
    const there = Number.isFinite(value);
    missing[row] = there ? 0 : 1;
    values[row] = there ? value : fill;
    total += values[row]!;
  }
  // Around the exact mean, as scikit-learn's StandardScaler; only the centring below uses the rounded one.
  const exactMean = total / rows;
  let squares = 0;
  for (let row = 0; row < rows; row += 1) squares += (values[row]! - exactMean) ** 2;
  const mean = Math.fround(exactMean);
  const deviation = Math.sqrt(squares / rows);
  const scale = deviation > 1e-12 * Math.max(1, Math.abs(mean)) ? deviation : 1;
  for (let row = 0; row < rows; row += 1) values[row] = (values[row]! - mean) / scale;
  const number: DenseColumn = { feature, kind: "number", values, fill, mean, scale };
  if (count === rows) return [number];
  return [number, { feature, kind: "missing", values: missing, fill: 0, mean: 0, scale: 1 }];
}

/** Of an ascending list; 0 where it is empty. */
function medianOf(sorted: Float32Array): number {
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function encodeCategories(feature: string, raw: string[], maxCategories: number): CategoryColumn {
  const counts = new Map<string, number>();
  for (const value of raw) counts.set(value, (counts.get(value) ?? 0) + 1);
  const byFrequency = [...counts].sort(([a, countA], [b, countB]) => countB - countA || compare(a, b));
  const categories = byFrequency
    .slice(0, maxCategories)
    .map(([value]) => value)
    .sort(compare);
  const codeOf = new Map(categories.map((value, code) => [value, code]));
  const codes = new Int32Array(raw.length);
  for (let row = 0; row < raw.length; row += 1) codes[row] = codeOf.get(raw[row]!) ?? -1;
  return { feature, categories, codes };
}

/** By code unit: the same order whatever the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
