import { expect, test } from "vitest";
import { evaluationSections } from "../../console/pages/evaluation.ts";
import type { Evaluation } from "../../domain/evidence.ts";

/** As it was kept before there were slices, groups, tests and pictures. */
const old: Evaluation = {
  rows: 1200,
  positives: 300,
  baseRate: 0.25,
  metrics: [
    {
      metric: "auc",
      candidate: { value: 0.7, low: 0.66, high: 0.74 },
      champion: { value: 0.68, low: 0.64, high: 0.72 },
      change: { value: 0.02, low: 0.01, high: 0.03 },
      threshold: { pass: 0.65, fail: 0.6 },
      verdict: "pass",
    },
  ],
  calibration: [{ predicted: 0.2, observed: 0.25, rows: 1200 }],
  confusion: { truePositive: 100, falsePositive: 80, trueNegative: 820, falseNegative: 200 },
  flips: { rows: 60, share: 0.05 },
  bootstrapRounds: 300,
  verdict: "pass",
  headline: { metric: "auc", candidate: { value: 0.7, low: 0.66, high: 0.74 }, champion: 0.68, threshold: 0.65 },
  championVersion: "m.1",
};

/** The headings, in their order. */
async function headings(evaluation: Evaluation): Promise<string[]> {
  const markup = String(await evaluationSections(evaluation, "m.2.promotion.1"));
  return [...markup.matchAll(/<h2[^>]*>([^<]+)</g)].map(([, text]) => text ?? "");
}

test("an evaluation kept before there was more to tell is shown as it was", async () => {
  expect(await headings(old)).toEqual(["How good it is", "What it would do"]);
  const markup = String(await evaluationSections(old, "m.2.promotion.1"));
  expect(markup).toContain("0.700");
  expect(markup).not.toMatch(/undefined|NaN|\[object|<img/);
});

test("worst slices and groups stand before what the model goes by, and what a definition calls a value is escaped", async () => {
  const share = { value: 0.2, low: 0.1, high: 0.3 };
  const evaluation: Evaluation = {
    ...old,
    notes: ["Only <b>few</b> rows."],
    slices: {
      metric: "auc",
      chosen: "automatic",
      minimumRows: 50,
      tested: 1,
      tooFew: 2,
      correction: "holm",
      rows: [
        {
          slice: "name = <script>",
          rows: 60,
          share: 0.05,
          value: share,
          rest: 0.7,
          difference: { value: -0.5, low: -0.6, high: -0.4 },
          p: 1e-9,
          corrected: 1e-9,
          worse: true,
          champion: null,
          flips: { rows: 3, share },
        },
      ],
    },
    fairness: [
      {
        attribute: "sex",
        gap: null,
        limit: 0.2,
        verdict: "too-few",
        measure: "selectionRateDifference",
        sentence: "By sex, no group has 30 rows: too few to say.",
        measures: [],
        groups: [],
      },
    ],
    importance: { method: "permutation", metric: "auc", rows: 500, repeats: 3, features: [{ feature: "age", drop: share }] },
  };
  expect(await headings(evaluation)).toEqual([
    "How good it is",
    "Where it is worst",
    "Whom it treats differently",
    "What it would do",
    "What it goes by",
  ]);
  const markup = String(await evaluationSections(evaluation, "m.2.promotion.1"));
  expect(markup).not.toMatch(/<script>|<b>few/);
  expect(markup).toContain("too few to say");
  expect(markup).toContain("p &lt; 0.001");
});
