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
  const present = raw.filter((value) => Number.isFinite(value)).sort();
  const middle = present.length >> 1;
  const median =
    present.length === 0 ? 0 : present.length % 2 === 1 ? present[middle]! : (present[middle - 1]! + present[middle]!) / 2;
  // The model holds float32: the same rounding here, so that training and serving see one value.
  const fill = Math.fround(median);
  const filled = Float64Array.from(raw, (value) => (Number.isFinite(value) ? value : fill));
  const mean = Math.fround(sum(filled) / filled.length);
  // Around the exact mean, as scikit-learn's StandardScaler; only the centring below uses the rounded one.
  const exactMean = sum(filled) / filled.length;
  let squares = 0;
  for (const value of filled) squares += (value - exactMean) ** 2;
  const deviation = Math.sqrt(squares / filled.length);
  const scale = deviation > 1e-12 * Math.max(1, Math.abs(mean)) ? deviation : 1;
  const number: DenseColumn = {
    feature,
    kind: "number",
    values: filled.map((value) => (value - mean) / scale),
    fill,
    mean,
    scale,
  };
  if (present.length === raw.length) return [number];
  const missing = Float64Array.from(raw, (value) => (Number.isFinite(value) ? 0 : 1));
  return [number, { feature, kind: "missing", values: missing, fill: 0, mean: 0, scale: 1 }];
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
  return { feature, categories, codes: Int32Array.from(raw, (value) => codeOf.get(value) ?? -1) };
}

/** By code unit: the same order whatever the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
