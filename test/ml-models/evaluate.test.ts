import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEvaluateActivity } from "../../activities/evaluate.ts";
import { createTrainActivity } from "../../activities/train.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { Digest } from "../../domain/ids.ts";
import type { EvaluateInput, FeaturizeResult } from "../../domain/stage-results.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { createTestStore, definitionWith, featureSpecs, putFlights, startActivity } from "./flight-artifacts.ts";

let store: ArtifactStore;
let directory: string;
/** The same flights with two sets of features, and a model of each. */
let few: { data: FeaturizeResult; model: EvaluateInput["candidate"] };
let many: typeof few;

beforeAll(async () => {
  ({ store, directory } = await createTestStore());
  const definition = await store.putJson(definitionWith());
  const train = createTrainActivity({ store, jobsDirectory: join(directory, "jobs") });
  const build = async (name: "few" | "many"): Promise<typeof few> => {
    const whole = await putFlights(store, directory, featureSpecs[name]);
    // 6,000 of the 27,902 rows of March tell as much here, in a quarter of the time.
    const some = (digest: Digest) => rewritten(digest, "SELECT * FROM given WHERE row_id < 6000 ORDER BY row_id");
    const data = {
      ...whole,
      holdout: await some(whole.holdout),
      holdoutRequests: await some(whole.holdoutRequests),
      holdoutRows: 6000,
    };
    const { result } = startActivity(train, {
      model: "flight-delays",
      release: `flight-delays.${name === "few" ? 1 : 2}`,
      definition,
      parameters: {},
      spec: data.spec,
      train: data.train,
    });
    return { data, model: { onnx: (await result).model, features: data.spec } };
  };
  few = await build("few");
  many = await build("many");
});
afterAll(() => rm(directory, { recursive: true }));

interface Case {
  candidate: typeof few;
  champion?: typeof few;
  evaluate?: object;
}

async function startEvaluation({ candidate, champion, evaluate }: Case) {
  const definition = await store.putJson(definitionWith(evaluate === undefined ? {} : { evaluate }));
  const input: EvaluateInput = {
    model: "flight-delays",
    release: "flight-delays.2",
    definition,
    parameters: {},
    holdout: candidate.data,
    candidate: candidate.model,
    champion: champion === undefined ? null : { version: "flight-delays.1", ...champion.model },
  };
  return startActivity(createEvaluateActivity({ store }), input);
}

test("a first candidate is evaluated on real held-out flights", async () => {
  const leak = {
    kind: "leakage",
    severity: "warning",
    column: "hour",
    rows: 0,
    share: 0,
    message: "hour alone knows: is it known?",
  };
  const checks = await store.putJson({ verdict: "warn", findings: [leak, { ...leak, severity: "info" }], telling: [] });
  const { result, heartbeats } = await startEvaluation({ candidate: { ...many, data: { ...many.data, checks } } });
  const found = await result;
  expect(found.summary).toMatch(
    /^AUC 0\.6\d\d \(0\.6\d\d–0\.6\d\d\) on 6,000 held-out flights, passes 0\.55; no champion yet\.$/,
  );
  expect(found).toMatchObject({ verdict: "pass", worseThanChampion: false });
  const evaluation = await store.getJson<Evaluation>(found.evaluation);
  expect(evaluation).toMatchObject({
    rows: many.data.holdoutRows,
    flips: null,
    championVersion: null,
    bootstrapRounds: 100,
    headline: { metric: "auc", champion: null, threshold: 0.55 },
  });
  expect(evaluation.notes?.filter((note) => note.includes("hour"))).toEqual(["Before training: hour alone knows: is it known?"]);
  const { truePositive, falsePositive, trueNegative, falseNegative } = evaluation.confusion!;
  expect(truePositive + falseNegative).toBe(evaluation.positives);
  expect(truePositive + falsePositive + trueNegative + falseNegative).toBe(evaluation.rows);
  expect(evaluation.calibration.reduce((rows, bin) => rows + bin.rows, 0)).toBe(evaluation.rows);
  for (const { candidate, champion } of evaluation.metrics) {
    expect(candidate.low).toBeLessThan(candidate.value);
    expect(candidate.high).toBeGreaterThan(candidate.value);
    expect(champion).toBeNull();
  }
  expect(heartbeats.length).toBeGreaterThan(0);
});

test("a champion with other features is scored on the same rows, and the better candidate is no worse", async () => {
  const { result } = await startEvaluation({ candidate: many, champion: few });
  const found = await result;
  expect(found.summary).toMatch(/; champion 0\.6\d\d; \d+\.\d % of decisions flip\.$/);
  expect(found.worseThanChampion).toBe(false);
  const evaluation = await store.getJson<Evaluation>(found.evaluation);
  const alone = await store.getJson<Evaluation>((await (await startEvaluation({ candidate: few })).result).evaluation);
  const auc = evaluation.metrics.find(({ metric }) => metric === "auc")!;
  // The champion's number is the one that it had as a candidate of its own.
  expect(auc.champion!.value).toBe(alone.headline.candidate.value);
  expect(auc.change!.value).toBeCloseTo(auc.candidate.value - auc.champion!.value, 12);
  expect(auc.change!.low).toBeGreaterThan(0);
});

test("a candidate whose interval lies wholly on the worse side is said to be worse", async () => {
  expect((await (await startEvaluation({ candidate: few, champion: many })).result).worseThanChampion).toBe(true);
  const equal = await (await startEvaluation({ candidate: many, champion: many })).result;
  expect(equal.worseThanChampion).toBe(false);
  expect(equal.summary).toContain("0.0 % of decisions flip");
  const byLoss = { thresholds: { logLoss: { pass: 0.5, fail: 0.7 } } };
  const worse = await (await startEvaluation({ candidate: few, champion: many, evaluate: byLoss })).result;
  expect(worse).toMatchObject({ worseThanChampion: true, headline: { metric: "logLoss" } });
});

test("the verdict is the worst of the metrics that have thresholds", async () => {
  const verdict = async (thresholds: object) => {
    const found = await (await startEvaluation({ candidate: few, evaluate: { thresholds, bootstrapRounds: 50 } })).result;
    return [found.verdict, found.summary] as const;
  };
  expect((await verdict({ auc: { pass: 0.99, fail: 0.5 } }))[0]).toBe("warn");
  const [failed, summary] = await verdict({ auc: { pass: 0.5, fail: 0.4 }, brier: { pass: 0.01, fail: 0.02 } });
  expect(failed).toBe("fail");
  expect(summary).toMatch(/passes 0\.5; Brier score 0\.\d+ fails; no champion yet\. The candidate fails\.$/);
});

test("equal input gives an equal evaluation", async () => {
  const [one, two] = await Promise.all([startEvaluation({ candidate: few }), startEvaluation({ candidate: few })]);
  expect((await one.result).evaluation).toBe((await two.result).evaluation);
});

/** An artifact rewritten by a query over `given`. */
async function rewritten(digest: Digest, query: string): Promise<Digest> {
  const db = await openDuckDb();
  const path = join(directory, "rewritten.parquet");
  const given = `read_parquet(${quoteText(await store.pathOf(digest))})`;
  await db.run(`COPY (${query.replace("given", given)}) TO ${quoteText(path)} (FORMAT parquet)`);
  db.close();
  return (await store.putFile(path)).digest;
}

async function failureOf(input: Case): Promise<ApplicationFailure> {
  const error = await (await startEvaluation(input)).result.catch((reason: unknown) => reason);
  if (!(error instanceof ApplicationFailure)) throw new Error("It did not fail.", { cause: error });
  expect(error).toMatchObject({ type: "evaluation-failed", nonRetryable: true });
  return error;
}

test("a holdout of one class fails for good", async () => {
  const holdout = await rewritten(few.data.holdout, "SELECT * REPLACE (0 AS label) FROM given");
  const { message } = await failureOf({ candidate: { ...few, data: { ...few.data, holdout } } });
  expect(message).toContain("held-out rows have the label 0");
});

test("a champion that would be compared on other rows, or labels, fails the evaluation", async () => {
  const requests = many.data.holdoutRequests;
  for (const query of ["SELECT * FROM given WHERE row_id > 0", "SELECT * REPLACE (1 - label AS label) FROM given"]) {
    const data = { ...many.data, holdoutRequests: await rewritten(requests, query) };
    const { message } = await failureOf({ candidate: { ...many, data }, champion: few });
    expect(message).toContain("flight-delays.1 was given other rows");
  }
});

test("a holdout whose bytes were changed is noticed", async () => {
  const holdout = await store.put("these bytes will change");
  await chmod(await store.pathOf(holdout), 0o644);
  await writeFile(await store.pathOf(holdout), "these bytes have changed");
  const { result } = await startEvaluation({ candidate: { ...few, data: { ...few.data, holdout } } });
  await expect(result).rejects.toMatchObject({ type: "artifact-corrupt" });
});
