import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import { exampleDefinition, runExample } from "./example-run.ts";
import { createTestStore } from "./flight-artifacts.ts";

let store: ArtifactStore;
let directory: string;
let definition: ResolvedDefinition;
let found: Evaluation;
let summary: string;

beforeAll(async () => {
  ({ store, directory } = await createTestStore());
  definition = await exampleDefinition("credit-risk");
  const run = await runExample({ store, directory, definition });
  found = run.evaluation;
  summary = run.result.summary;
});
afterAll(() => rm(directory, { recursive: true }));

test("credit-risk: fairness by sex and age, with intervals that say how little 300 rows say", () => {
  const [sex, age] = found.fairness!;
  expect(sex!.attribute).toBe("sex");
  expect(sex!.groups.map(({ group, rows }) => [group, rows])).toEqual([
    ["male", 196],
    ["female", 104],
  ]);
  for (const { selectionRate } of sex!.groups) expect(selectionRate!.high - selectionRate!.low).toBeGreaterThan(0.1);
  expect(age!.groups.map(({ group, tooFew }) => [group, tooFew])).toEqual([
    ["below 25", false],
    ["25 to below 40", false],
    ["40 to below 60", false],
    ["60 and above", true],
  ]);
  expect(age!.gap!).toBeGreaterThan(0.1);
  expect(found.notes![0]).toContain("Only 300 rows are held out");
  expect(summary).toContain("on 300 held-out applications");
  expect(summary).toContain("by age");
  const auc = found.metrics.find(({ metric }) => metric === "auc")!;
  expect(auc.candidate.high - auc.candidate.low).toBeGreaterThan(0.1);
  for (const { worse } of found.slices!.rows) expect(worse).toBe(false);
});

test("credit-risk: the model is explained, and what it goes by is the checking account", () => {
  const { explanation, importance, robustness } = found;
  if (explanation?.method !== "linear-shap") throw new Error("It was not explained.");
  expect(explanation.features[0]!.feature).toBe("checking_account");
  const effects = new Map(explanation.features[0]!.effects.map(({ value, effect }) => [value, effect]));
  expect(effects.get("little")!).toBeGreaterThan(effects.get("rich")!);
  expect(explanation.additivityError).toBeLessThan(1e-5);
  // Neither protected attribute is a feature.
  for (const { feature } of explanation.features) expect(definition.evaluate.protected).not.toContain(feature);
  // Shuffling tells the same two apart from the rest.
  expect(importance!.features.slice(0, 2).map(({ feature }) => feature)).toContain("checking_account");
  for (const { fault } of robustness!.cases) expect(fault).toBeNull();
});

test("credit-risk: the pictures are kept by digest, and a missed default costs five times a refused applicant", async () => {
  expect(found.charts!.map(({ name }) => name)).toContain("fairness");
  for (const { svg, png } of found.charts!) {
    expect(await store.getText(svg)).toMatch(/^<svg /);
    if (png !== null) expect((await store.get(png)).subarray(1, 4).toString()).toBe("PNG");
  }
  expect(found.costs!).toMatchObject({ falsePositive: 1, falseNegative: 5, chosenOn: "holdout" });
  expect(found.costs!.best.cost).toBeLessThan(found.costs!.deployed.cost.value);
});

test("slices that a definition states in SQL are looked at, and SQL that reaches further is refused", async () => {
  const stated = (where: string): ResolvedDefinition => ({
    ...definition,
    evaluate: { ...definition.evaluate, slices: [{ name: "long and large", where }, "sex"] },
  });
  const { evaluation } = await runExample({ store, directory, definition: stated("duration > 18 AND credit_amount > 2000") });
  expect(evaluation.slices!.chosen).toBe("definition");
  expect(evaluation.slices!.rows.map(({ slice }) => slice).toSorted()).toEqual(["long and large", "sex = female", "sex = male"]);
  const far = runExample({ store, directory, definition: stated("true) AS hit FROM read_csv('/etc/passwd') --") });
  await expect(far).rejects.toMatchObject({ type: "evaluation-failed" });
});
