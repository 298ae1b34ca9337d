import { chmod, writeFile } from "node:fs/promises";
import { ApplicationFailure, CancelledFailure } from "@temporalio/activity";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFeaturizeActivity } from "../../activities/featurize.ts";
import { createIngestActivity } from "../../activities/ingest.ts";
import { runStage } from "../../activities/stage-run.ts";
import { createValidateActivity } from "../../activities/validate.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { DatasetManifest, StageContext, ValidationReport } from "../../domain/stage-results.ts";
import { checkout, readExample } from "./example.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
let credit: ResolvedDefinition;
beforeAll(async () => {
  bench = await createWorkbench();
  credit = await readExample("credit-risk");
});
afterAll(() => bench.remove());

const contextOf = async (definition: ResolvedDefinition): Promise<StageContext> => ({
  model: definition.model,
  release: `${definition.model}.1`,
  definition: await bench.store.putJson(definition),
  parameters: {},
});
/** Failures are what these tests look for; the SDK need not print each. */
const environmentOf = () => new MockActivityEnvironment({}, { logger: new DefaultLogger("ERROR") });
const run = <Input, Result>(activity: (input: Input) => Promise<Result>, input: Input) =>
  environmentOf().run<[Input], Result, (input: Input) => Promise<Result>>(activity, input);

async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw new TypeError(`This is no ApplicationFailure: ${String(error)}`);
  return error;
}

describe("the first three stages, as activities", () => {
  test("hand digests to each other and say in a sentence what they did", async () => {
    const context = await contextOf(credit);
    const ingested = await run(createIngestActivity({ store: bench.store, dataRoot: rootAt(checkout) }), context);
    expect(ingested).toMatchObject({ summary: "1,000 rows of applications from 1 file", rows: 1000, files: 1, bytes: 50_841 });
    const validated = await run(createValidateActivity({ store: bench.store }), { ...context, dataset: ingested.dataset });
    expect(validated).toMatchObject({ verdict: "warn", warned: 1 });
    expect(validated.summary).toMatch(
      /^1,000 rows of applications keep their contract \(\d+ rules\), with 1 warning: applications\.checking_account: 394 of 1,000 rows are missing/,
    );
    const featurized = await run(createFeaturizeActivity({ store: bench.store }), { ...context, dataset: ingested.dataset });
    expect(featurized).toMatchObject({ trainRows: 700, holdoutRows: 300, holdoutFrom: null });
    for (const digest of [validated.report, featurized.spec, featurized.train, featurized.holdout, featurized.holdoutRequests])
      await bench.store.verify(digest);
    expect(await run(createIngestActivity({ store: bench.store, dataRoot: rootAt(checkout) }), context)).toEqual(ingested);
  });

  test("fail for good with the code as type, and with the faults and the report in the details", async () => {
    await bench.write(
      "bad.csv",
      "risk,sex,age,job,housing,saving_accounts,checking_account,credit_amount,duration,purpose\n1,male,abc,2,own,little,little,1000,12,car\n7,male,17,2,own,little,little,1000,12,car\n",
    );
    const definition = structuredClone(credit);
    definition.data.sources["applications"] = { files: "bad.csv" };
    const context = await contextOf(definition);
    const { dataset } = await run(createIngestActivity({ store: bench.store, dataRoot: rootAt(bench.dataRoot) }), context);
    const failure = await failureOf(run(createValidateActivity({ store: bench.store }), { ...context, dataset }));
    expect(failure).toMatchObject({ type: "contract-broken", nonRetryable: true });
    // The shape of details is the one that stage-run.ts documents.
    const [detail] = failure.details as [{ faults: { path: string; message: string }[]; extra: { report: `sha256:${string}` } }];
    expect(detail.faults.slice(0, 3)).toEqual([
      { path: "applications.risk", message: "1 of 2 rows are none of the valid values (the first in bad.csv, row 2)" },
      { path: "applications.age", message: "1 of 2 rows are no integer (the first in bad.csv, row 1)" },
      { path: "applications.age", message: "1 of 2 rows are below 18 (the first in bad.csv, row 2)" },
    ]);
    expect((await bench.store.getJson<ValidationReport>(detail.extra.report)).rows).toBe(2);
  });

  test("notice frozen data that was changed on disk since", async () => {
    const context = await contextOf(credit);
    const { dataset } = await run(createIngestActivity({ store: bench.store, dataRoot: rootAt(checkout) }), context);
    const manifest = await bench.store.getJson<DatasetManifest>(dataset);
    const path = await bench.store.pathOf(manifest.sources["applications"]?.files[0]?.digest ?? "sha256:");
    await chmod(path, 0o644);
    await writeFile(path, "risk\n1\n");
    for (const activity of [createValidateActivity({ store: bench.store }), createFeaturizeActivity({ store: bench.store })])
      expect(
        await failureOf(run<StageContext & { dataset: typeof dataset }, unknown>(activity, { ...context, dataset })),
      ).toMatchObject({ type: "artifact-corrupt", nonRetryable: true });
  });
});

describe("a stage's activity", () => {
  test("heartbeats with what it is doing now", async () => {
    const environment = environmentOf();
    const beats: unknown[] = [];
    environment.on("heartbeat", (detail: unknown) => beats.push(detail));
    await environment.run(createIngestActivity({ store: bench.store, dataRoot: rootAt(checkout) }), await contextOf(credit));
    expect(beats).toContain("freezing examples/credit-risk/data/german-credit.csv");
  });

  test("heartbeats by itself while it is silent", async () => {
    const environment = environmentOf();
    const stage = runStage(async () => new Promise<string>((resolve) => environment.on("heartbeat", () => resolve("heard"))));
    expect(await environment.run(stage, null)).toBe("heard");
  });

  test("ends as cancelled when it is cancelled in the middle of a query", async () => {
    const environment = environmentOf();
    const flights = await readExample("flight-delays");
    const context = await contextOf(flights);
    const { dataset } = await run(createIngestActivity({ store: bench.store, dataRoot: rootAt(checkout) }), context);
    environment.on("heartbeat", (detail: unknown) => {
      if (String(detail).startsWith("computing")) environment.cancel();
    });
    await expect(
      environment.run(createFeaturizeActivity({ store: bench.store }), { ...context, dataset }),
    ).rejects.toBeInstanceOf(CancelledFailure);
  });

  test.each([
    ["a code that may pass by itself is retried", new CountersignError("unavailable", "not now"), "unavailable", false],
    ["a code that is for ever is not", new CountersignError("source-missing", "gone"), "source-missing", true],
    ["anything unforeseen is retried", new Error("EIO"), "transient", false],
  ])("%s", async (_, thrown, type, nonRetryable) => {
    expect(
      await failureOf(
        run(
          runStage(() => Promise.reject(thrown)),
          null,
        ),
      ),
    ).toMatchObject({ type, nonRetryable, message: thrown.message });
  });
});
