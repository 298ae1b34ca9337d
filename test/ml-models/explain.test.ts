import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { LabelSpec } from "../../domain/task.ts";
import { explainModel, shapValues } from "../../ml/explain/explain-model.ts";
import { readTrees } from "../../ml/explain/tree-ensemble.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import type { Feature, FeatureColumns } from "../../ml/trainers/training-data.ts";

const folder = new URL("./fixtures/evaluation/", import.meta.url);
const fixture = JSON.parse(await readFile(new URL("shap.json", folder), "utf8"));
const features: Feature[] = fixture.features;

/** The rows that the model was trained on: what it was trained on is what its expectation is over. */
function trainingRows(holed: boolean): FeatureColumns {
  return Object.fromEntries(
    features.map(({ name, type }) => {
      const values = holed && name === "amount" ? fixture.holedAmount : fixture.columns[name];
      return [
        name,
        type === "float" ? Float32Array.from(values, (value) => (value === null ? Number.NaN : Number(value))) : values,
      ];
    }),
  );
}

function firstRows(columns: FeatureColumns, count: number): FeatureColumns {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(0, count)]));
}

async function inputOf(name: string, label: LabelSpec, columns = trainingRows(false)) {
  const bytes = await readFile(new URL(`${name}.onnx`, folder));
  const scorer = await createScorer({ bytes, features, label });
  return {
    bytes,
    features,
    label,
    threshold: 0.5,
    background: columns,
    columns: firstRows(columns, fixture.explained),
    seed: 7,
    score: scorer.scoreAll,
    close: scorer.close,
  };
}

const labels: Record<string, LabelSpec> = {
  "lightgbm-binary": { task: "binary" },
  "boosted-regressor": { task: "regression" },
  "forest-three-classes": { task: "multiclass", classes: ["0", "1", "2"] },
  logistic: { task: "binary" },
};

for (const { name, holed, base, values } of fixture.cases) {
  test(`SHAP values of ${name} are those of ${name.startsWith("light") ? "LightGBM" : "shap"} to six digits`, async () => {
    const input = await inputOf(name, labels[name]!, trainingRows(holed));
    const { effects, link } = await shapValues(input, unwatched);
    await input.close();
    const outputs = Array.isArray(values[0][0]) ? values[0][0].length : 1;
    expect(effects.width).toBe(outputs);
    expect(link.error).toBeLessThan(1e-5);
    let largest = 0;
    for (let k = 0; k < outputs; k += 1) {
      expect(effects.base[k]).toBeCloseTo(base[k], 5);
      for (let row = 0; row < fixture.explained; row += 1)
        for (const feature of features.keys()) {
          const wanted = outputs === 1 ? values[row][feature] : values[row][feature][k];
          const found = effects.values[(row * outputs + k) * effects.columns + feature]!;
          largest = Math.max(largest, Math.abs(found - wanted));
        }
    }
    // Thresholds and leaves are float32 in ONNX.
    expect(largest).toBeLessThan(1e-6);
  });
}

test("an explanation says which features push which way, and why single rows came out as they did", async () => {
  const input = await inputOf("lightgbm-binary", { task: "binary" }, trainingRows(true));
  const found = await explainModel(input, unwatched);
  await input.close();
  if (found.method === "none") throw new Error(found.why);
  expect(found).toMatchObject({ method: "tree-shap", unit: "log-odds", rows: fixture.explained, backgroundRows: 240 });
  expect(found.features.map(({ feature }) => feature).toSorted()).toEqual(["age", "amount", "months", "purpose"]);
  const amount = found.features.find(({ feature }) => feature === "amount")!;
  // More money, more risk; and what is missing is a group of its own.
  expect(amount.effects.at(-1)!.value).toBe("missing");
  expect(amount.effects.at(-2)!.effect).toBeGreaterThan(amount.effects[0]!.effect);
  expect(found.examples.map(({ what }) => what)).toEqual(["highest", "nearest the threshold", "lowest"]);
  const [highest, , lowest] = found.examples;
  expect(highest!.prediction).toBeGreaterThan(lowest!.prediction);
  const sum = highest!.contributions.reduce((total, { effect }) => total + effect, found.baseValue);
  expect(1 / (1 + Math.exp(-sum))).toBeCloseTo(highest!.prediction, 5);
});

test("a model that adds up to something else is not explained, and it says so", async () => {
  const input = await inputOf("logistic", { task: "binary" });
  const crooked = async (columns: FeatureColumns) => {
    const { width, values } = await input.score(columns);
    return { width, values: values.map((p) => p ** 2) };
  };
  const found = await explainModel({ ...input, score: crooked }, unwatched);
  await input.close();
  expect(found).toEqual({
    method: "none",
    why: "Exact values are not told of this model: the values do not add up to its answers.",
  });
});

test("trees with as many leaves as a model of flights has are read in a moment", () => {
  // 6,200 stumps: to read each leaf's tree anew from all of them took 13 s, in which no heartbeat went out.
  const trees = 6_200;
  const each = <Value>(values: Value[]) => Array.from({ length: trees }, () => values).flat();
  const ids = (count: number) => Array.from({ length: trees * count }, (_, index) => Math.floor(index / count));
  const began = performance.now();
  const read = readTrees({
    opType: "TreeEnsembleClassifier",
    attribute: [
      { name: "nodes_treeids", ints: ids(3) },
      { name: "nodes_nodeids", ints: each([0, 1, 2]) },
      { name: "nodes_featureids", ints: each([0, 0, 0]) },
      { name: "nodes_values", floats: each([0.5, 0, 0]) },
      { name: "nodes_modes", strings: each(["BRANCH_LEQ", "LEAF", "LEAF"].map((mode) => new TextEncoder().encode(mode))) },
      { name: "nodes_truenodeids", ints: each([1, 0, 0]) },
      { name: "nodes_falsenodeids", ints: each([2, 0, 0]) },
      { name: "class_treeids", ints: ids(2) },
      { name: "class_nodeids", ints: each([1, 2]) },
      { name: "class_ids", ints: each([0, 0]) },
      { name: "class_weights", floats: each([-1, 1]) },
      { name: "classlabels_int64s", ints: [0, 1] },
    ],
  });
  expect(read.trees).toHaveLength(trees);
  expect([...read.values.subarray(-3)]).toEqual([0, -1, 1]);
  // Measured: 0.1 s.
  expect(performance.now() - began).toBeLessThan(5_000);
});
