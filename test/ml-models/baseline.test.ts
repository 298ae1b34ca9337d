import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { digestOf } from "../../domain/digest.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { trainBaseline } from "../../ml/trainers/baseline.ts";
import type { Feature, FeatureColumns, TrainingData } from "../../ml/trainers/training-data.ts";

const fixture = JSON.parse(readFileSync(new URL("./fixtures/models.json", import.meta.url), "utf8"));
const features: Feature[] = fixture.features;
const columns: FeatureColumns = Object.fromEntries(
  features.map(({ name, type }) => [
    name,
    type === "float"
      ? Float32Array.from(fixture.columns[name], (value: number | null) => value ?? Number.NaN)
      : fixture.columns[name],
  ]),
);
const data: TrainingData = {
  rows: fixture.labels.length,
  columns,
  labels: Uint8Array.from(fixture.labels),
};

for (const expected of fixture.logistic) {
  test(`weights and probabilities are scikit-learn's with l2 = ${expected.l2}`, async () => {
    const { fit, design, onnx } = trainBaseline({ features, parameters: { l2: expected.l2 } }, data);
    expect(fit.intercept).toBeCloseTo(expected.intercept, 6);
    const ours = Object.fromEntries([
      ...design.dense.map(({ feature, kind }, place) => [kind === "number" ? feature : `${feature} missing`, fit.dense[place]!]),
      ...design.categories.flatMap(({ feature, categories }, place) =>
        categories.map((category, code) => [`${feature}=${category}`, fit.categories[place]![code]!]),
      ),
    ]);
    expect(Object.keys(ours).sort()).toEqual(Object.keys(expected.weights).sort());
    for (const [name, weight] of Object.entries(ours)) expect(weight, name).toBeCloseTo(expected.weights[name], 6);
    const scorer = await createScorer({ bytes: onnx, features });
    const scores = await scorer.score(columns);
    await scorer.close();
    for (const [row, probability] of scores.entries())
      expect(Math.abs(probability - expected.probabilities[row])).toBeLessThan(1e-6);
  });
}

test("equal data give equal bytes, another order of features other ones", () => {
  const train = (order: Feature[]) => digestOf(trainBaseline({ features: order, parameters: {} }, data).onnx);
  expect(train(features)).toBe(train(features));
  expect(train([...features].reverse())).not.toBe(train(features));
});

test("a value that training never saw, and infinity, get an answer all the same", async () => {
  const { onnx } = trainBaseline({ features, parameters: {} }, data);
  const scorer = await createScorer({ bytes: onnx, features });
  const row = (wind: number, carrier: string): FeatureColumns => ({
    hour: Float32Array.of(9),
    year: Float32Array.of(2000),
    wind: Float32Array.of(wind),
    carrier: [carrier],
    origin: ["JFK"],
  });
  const [unknown, empty, missing, infinite] = await Promise.all(
    [row(3, "??"), row(3, ""), row(Number.NaN, "UA"), row(Number.POSITIVE_INFINITY, "UA")].map(
      async (columns) => (await scorer.score(columns))[0]!,
    ),
  );
  await scorer.close();
  expect(unknown).toBe(empty);
  expect(missing).toBe(infinite);
  for (const probability of [unknown!, missing!]) {
    expect(probability).toBeGreaterThan(0);
    expect(probability).toBeLessThan(1);
  }
});

test("only the most frequent values of a string get a weight", () => {
  const { design } = trainBaseline({ features, parameters: { maxCategories: 2 } }, data);
  const counts = new Map<string, number>();
  for (const value of fixture.columns.carrier) counts.set(value, (counts.get(value) ?? 0) + 1);
  const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, 2);
  expect(design.categories[0]!.categories).toEqual(frequent.map(([value]) => value).sort());
});

test("hopeless input is refused in a sentence", () => {
  const train = (parameters: Record<string, number | string | boolean>, labels = data.labels) =>
    trainBaseline({ features, parameters }, { ...data, labels });
  expect(() => train({ C: 1 })).toThrow('no parameter "C"; it takes l2, maxCategories');
  expect(() => train({ l2: 0 })).toThrow("l2 must be a number from 0.000001");
  expect(() => train({ maxCategories: 1.5 })).toThrow("whole number");
  expect(() => train({}, new Uint8Array(data.rows))).toThrow("All 600 labels are 0");
  expect(() => train({ l2: 1, maxIterations: 1 })).toThrow("No convergence after 1 iterations");
  expect(() => trainBaseline({ features: [], parameters: {} }, data)).toThrow("no feature");
});

test("a column that is missing everywhere and one that never varies do no harm", async () => {
  const odd: Feature[] = [...features, { name: "empty", type: "float" }, { name: "constant", type: "float" }];
  const withOdd: FeatureColumns = {
    ...columns,
    empty: new Float32Array(data.rows).fill(Number.NaN),
    constant: new Float32Array(data.rows).fill(3.5),
  };
  const plain = trainBaseline({ features, parameters: {} }, data);
  const { onnx } = trainBaseline({ features: odd, parameters: {} }, { ...data, columns: withOdd });
  const scorers = await Promise.all([
    createScorer({ bytes: plain.onnx, features }),
    createScorer({ bytes: onnx, features: odd }),
  ]);
  const [without, together] = await Promise.all([scorers[0].score(columns), scorers[1].score(withOdd)]);
  for (const scorer of scorers) await scorer.close();
  // The indicator of the empty column is a second, penalised intercept: the fit moves a little.
  for (const [row, probability] of together.entries()) expect(Math.abs(probability - without[row]!)).toBeLessThan(0.01);
});
