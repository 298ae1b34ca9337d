import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { attributesOf, type GraphNode, type Matrix } from "./onnx-graph.ts";
import { pickColumn } from "../evaluation/sample.ts";

/** Effects of columns (or features), row by row: for each output the columns; and the expectation they start from. */
export interface Effects {
  base: Float64Array;
  values: Float64Array;
  width: number;
  columns: number;
}

/** A LinearClassifier or LinearRegressor (ai.onnx.ml 1): one row of weights an output. Of a binary classifier only the positive's. */
export function linearEffects(node: GraphNode, { background, matrix }: { background: Matrix; matrix: Matrix }): Effects {
  const { floats, ints, texts } = attributesOf(node);
  const columns = matrix.width;
  const all = floats("coefficients");
  const intercepts = floats("intercepts");
  const classes = Math.max(ints("classlabels_ints").length, texts("classlabels_strings").length);
  const outputs = all.length / columns;
  const from = classes === 2 ? outputs - 1 : 0;
  const width = outputs - from;
  const means = new Float64Array(columns);
  for (let row = 0; row < background.rows; row += 1)
    for (let column = 0; column < columns; column += 1)
      means[column]! += background.values[row * columns + column]! / background.rows;
  const weight = (k: number, column: number) => all[(from + k) * columns + column]!;
  const base = Float64Array.from({ length: width }, (_, k) => {
    let sum = intercepts[from + k] ?? 0;
    for (let column = 0; column < columns; column += 1) sum += weight(k, column) * means[column]!;
    return sum;
  });
  const values = new Float64Array(matrix.rows * width * columns);
  for (let row = 0; row < matrix.rows; row += 1)
    for (let k = 0; k < width; k += 1)
      for (let column = 0; column < columns; column += 1)
        values[(row * width + k) * columns + column] =
          weight(k, column) * (matrix.values[row * columns + column]! - means[column]!);
  return { base, values, width, columns };
}

/**
 * Of any model whose margin is a sum of one function a feature: what a feature adds is how much the margin
 * moves when it is set to a fixed value, whatever the others are; its SHAP value is that minus its mean over
 * the background. Exact for such models; that this one is such a model is for the caller to check by adding up.
 */
export async function additiveEffects(
  features: Feature[],
  { background, columns }: { background: FeatureColumns; columns: FeatureColumns },
  margin: (columns: FeatureColumns) => Promise<Matrix | null>,
): Promise<Effects | null> {
  const [atBackground, here] = [await margin(background), await margin(columns)];
  if (atBackground === null || here === null) return null;
  const { rows, width } = here;
  const values = new Float64Array(rows * width * features.length);
  const base = new Float64Array(width);
  for (let row = 0; row < atBackground.rows; row += 1)
    for (let k = 0; k < width; k += 1) base[k]! += atBackground.values[row * width + k]! / atBackground.rows;
  for (const [index, { name }] of features.entries()) {
    const moved = async (of: FeatureColumns, full: Matrix): Promise<Float64Array | null> => {
      const fixed = pickColumn(background[name]!, new Uint32Array(full.rows));
      const found = await margin({ ...of, [name]: fixed });
      return found === null ? null : Float64Array.from(full.values, (value, at) => value - found.values[at]!);
    };
    const [before, now] = [await moved(background, atBackground), await moved(columns, here)];
    if (before === null || now === null) return null;
    for (let k = 0; k < width; k += 1) {
      let mean = 0;
      for (let row = 0; row < atBackground.rows; row += 1) mean += before[row * width + k]! / atBackground.rows;
      for (let row = 0; row < rows; row += 1) values[(row * width + k) * features.length + index] = now[row * width + k]! - mean;
    }
  }
  return { base, values, width, columns: features.length };
}
