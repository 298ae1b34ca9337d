import { expect, test } from "vitest";
import { summaryOf } from "../../activities/evaluation-summary.ts";
import { recommend } from "../../activities/gate/recommendation.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import { evaluateAnswers } from "../../ml/evaluation/evaluate-answers.ts";
import type { RequestColumn } from "../../ml/evaluation/groupings.ts";
import { ratioOfShares } from "../../ml/metrics/intervals.ts";
import { createRandom } from "../../ml/metrics/random.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { definitionWith } from "./flight-artifacts.ts";

/** Rows of a fair and good model: `group` says how many rows each group has, and of which label they may be. */
async function evaluate({
  groups,
  evaluate: asked = {},
  times = null,
}: {
  groups: Record<string, { rows: number; positives: number; called?: number }>;
  evaluate?: object;
  times?: Float64Array | null;
}): Promise<Evaluation> {
  const random = createRandom(7);
  const names: string[] = [];
  const targets: number[] = [];
  const scores: number[] = [];
  for (const [name, { rows, positives, called = positives }] of Object.entries(groups))
    for (let row = 0; row < rows; row += 1) {
      names.push(name);
      targets.push(row < positives ? 1 : 0);
      // Near the truth, with some rows on either side of it.
      scores.push((row < called ? 0.7 : 0.3) + 0.2 * (random() / 2 ** 32 - 0.5));
    }
  const request: RequestColumn[] = [{ name: "group", kind: "text", values: names }];
  return evaluateAnswers(
    {
      definition: definitionWith({ evaluate: { thresholds: {}, bootstrapRounds: 60, protected: ["group"], ...asked } }),
      label: { task: "binary" },
      targets: Float64Array.from(targets),
      answers: { candidate: { width: 1, values: Float32Array.from(scores) }, champion: null, baseline: null },
      championVersion: null,
      request,
      times: times && { by: "at", values: times },
      conditions: [],
      seed: 7,
    },
    unwatched,
  );
}

const fair = { truePositiveRateDifference: { pass: 0.2, fail: 0.5 } };
const even = { rows: 300, positives: 150 };

test("a group without a positive is named, and the gap of the others is no clean pass", async () => {
  const found = await evaluate({
    groups: { a: even, b: even, c: { rows: 42, positives: 0 } },
    evaluate: { fairness: fair },
  });
  const [group] = found.fairness!;
  expect(group).toMatchObject({ measure: "truePositiveRateDifference", verdict: "warn" });
  expect(group!.gap).toBeLessThan(0.2);
  expect(group!.sentence).toContain("Left out: c (42 rows: no positives, 10 are needed).");
  expect(found.verdict).toBe("warn");
  // The release's summary, and what every surface shows at the gate.
  expect(summaryOf(found, "rows")).toContain("by group too few rows to compare c");
  expect(recommend(found, []).sentence).toContain("Left out: c (42 rows");
});

test("a group under the least rows, and rows of no group, are no clean pass either", async () => {
  const small = await evaluate({ groups: { a: even, b: even, c: { rows: 20, positives: 10 } } });
  expect(small.fairness![0]).toMatchObject({ verdict: "warn" });
  expect(small.fairness![0]!.sentence).toContain("Left out: c (20 rows: fewer rows than 30).");
  const many = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`g${index}`, { rows: 60 - index, positives: 30 }]));
  const rare = await evaluate({ groups: many });
  expect(rare.fairness![0]).toMatchObject({ verdict: "warn", others: { rows: 95 } });
  expect(rare.fairness![0]!.sentence).toContain("all rarer values (95 rows");
  // And the same rows are a slice of their own.
  expect(rare.slices!.rows.map(({ slice }) => slice)).toContain("group any rarer value");
});

test("of a model that may know the held-out rows every surface says so first", async () => {
  const found = await evaluate({ groups: { a: even, b: even } });
  const mayHaveSeen = "This model was trained elsewhere and may have seen the holdout.";
  expect(summaryOf({ ...found, mayHaveSeen }, "rows")).toMatch(
    /^This model was trained elsewhere and may have seen the holdout\. AUC/,
  );
  expect(recommend({ ...found, mayHaveSeen }, []).sentence).toMatch(/^This model was trained elsewhere/);
});

test("a pass in which nobody was left out stays one", async () => {
  const { fairness, verdict } = await evaluate({ groups: { a: even, b: even }, evaluate: { fairness: fair } });
  expect(fairness![0]).toMatchObject({ verdict: "pass" });
  expect(fairness![0]!.sentence).not.toContain("Left out");
  expect(verdict).toBe("pass");
});

test("a group of which nobody is called positive has the ratio nought, and is not left out", async () => {
  const found = await evaluate({
    groups: { a: even, b: even, c: { rows: 60, positives: 30, called: 0 } },
    evaluate: { fairness: { selectionRateRatio: { pass: 0.8, fail: 0.5 } } },
  });
  expect(found.fairness![0]).toMatchObject({ measure: "selectionRateRatio", gap: 0, verdict: "fail" });
  expect(ratioOfShares({ hits: 0, rows: 60 }, { hits: 150, rows: 300 })).toMatchObject({ value: 0, low: 0 });
  expect(ratioOfShares({ hits: 0, rows: 60 }, { hits: 0, rows: 300 })).toBeNull();
});

test("a protected attribute that the requests lack is no pass", async () => {
  const found = await evaluate({ groups: { a: even, b: even }, evaluate: { protected: ["group", "age"] } });
  expect(found.fairness!.map(({ attribute, verdict }) => [attribute, verdict])).toEqual([
    ["group", "pass"],
    ["age", "too-few"],
  ]);
  expect(found.verdict).toBe("warn");
});

test("slices say which were not compared, and why: too few rows, or too few of a class", async () => {
  const { slices } = await evaluate({ groups: { a: even, b: { rows: 80, positives: 3 }, c: { rows: 12, positives: 9 } } });
  expect(slices).toMatchObject({ tooFew: 2 });
  expect(slices!.leftOut).toEqual([
    { part: "group = b", rows: 80, why: "fewer than 10 positives or negatives, in it or outside" },
    { part: "group = c", rows: 12, why: "fewer rows than 50" },
  ]);
});

test("windows of time that cannot be tested, rows without a time and too few rows for windows are told", async () => {
  const rows = 1000;
  const at = (row: number) => Date.UTC(2026, 0, 1) + row * 3_600_000;
  // By the order of the rows: first all positives of the group, then all negatives, so that windows have one class.
  const times = Float64Array.from({ length: rows }, (_, row) => (row < 40 ? Number.NaN : at(row)));
  const { stability } = await evaluate({ groups: { a: { rows, positives: 500 } }, times });
  expect(stability!.test).toBeNull();
  expect(stability!.leftOut!.map(({ part }) => part)).toContain("rows without a time");
  expect(stability!.leftOut!.some(({ why }) => why === "fewer than 10 positives or negatives")).toBe(true);
  const few = await evaluate({ groups: { a: even }, times: Float64Array.from({ length: 300 }, (_, row) => at(row)) });
  expect(few.stability).toBeNull();
  expect(few.notes!.join(" ")).toContain("Whether it holds over time is not told: two windows of 200 rows");
});
