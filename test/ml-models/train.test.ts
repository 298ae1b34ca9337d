import { existsSync, readdirSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTrainActivity } from "../../activities/train.ts";
import { readReport } from "../../activities/train-process.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeaturizeResult, ReleaseParameters } from "../../domain/stage-results.ts";
import { installationOf, seeInstallation } from "../../ml/trainers/installation.ts";
import { createTestStore, definitionWith, featureSpecs, putFlights, startActivity } from "./flight-artifacts.ts";
import { newMarker, processesWith, until } from "./running-processes.ts";

let store: ArtifactStore;
let directory: string;
let flights: FeaturizeResult;

beforeAll(async () => {
  ({ store, directory } = await createTestStore());
  flights = await putFlights(store, directory, featureSpecs.many);
});

afterAll(() => rm(directory, { recursive: true }));

interface Attempt {
  trainer?: string;
  train?: object;
  parameters?: ReleaseParameters;
  jobs?: string;
}

async function startTraining({ trainer, train, parameters = {}, jobs = "jobs" }: Attempt = {}) {
  const jobsDirectory = join(directory, jobs);
  const main = fileURLToPath(new URL(`./trainers/${trainer}.mjs`, import.meta.url));
  const baseline = { command: process.execPath, args: [main], sees: [process.execPath, main] };
  const activity = createTrainActivity({ store, jobsDirectory, ...(trainer === undefined ? {} : { trainers: { baseline } }) });
  const definition = await store.putJson(definitionWith({ train: train ?? {} }));
  return {
    jobsDirectory,
    ...startActivity(activity, {
      model: "flight-delays",
      release: "flight-delays.1",
      definition,
      parameters,
      spec: flights.spec,
      train: flights.train,
    }),
  };
}

/** The code, the sentence and what belongs to it of an activity that must fail. */
async function failureOf(
  result: Promise<unknown>,
): Promise<{ code: string; detail: string; log: Digest | undefined; logTail: string }> {
  const error = await result.then(
    () => new Error("It did not fail."),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw error;
  expect(error.nonRetryable).toBe(true);
  const [{ extra }] = error.details as [{ extra: { log?: Digest } }];
  // A failure names the log; what the trainer printed travels with no failure.
  expect(Object.keys(extra).filter((name) => name !== "log")).toEqual([]);
  const log = extra.log === undefined ? "" : await store.getText(extra.log);
  return { code: error.type ?? "", detail: error.message, log: extra.log, logTail: log };
}

test("the baseline trains on real flights, and the same data give the same bytes", async () => {
  const first = await startTraining();
  const second = await startTraining({ parameters: { seed: 99 }, jobs: "jobs-second" });
  const [one, two] = await Promise.all([first.result, second.result]);
  expect(two.model).toBe(one.model);
  expect(two.seed).toBe(99);
  expect(one.summary).toMatch(
    /^baseline trained in .* on 5 features: \d+ KB of ONNX\. Converged after \d iterations with \d+ weights; AUC on the training rows 0\.6/,
  );
  expect(one.environment).toMatchObject({ node: process.versions.node, trainer: "countersign-baseline 1" });
  expect(await store.getText(one.log)).toMatch(/^Trainer "baseline" \(.*\n(.*\n)*Wrote model\.onnx/);
  expect(first.heartbeats.length).toBeGreaterThan(0);
  expect(readdirSync(first.jobsDirectory)).toEqual([]);
});

test("parameters of the release go over the definition's, and a wrong one is told in the log's end", async () => {
  const good = await startTraining({ train: { parameters: { l2: 5, maxCategories: 10 } }, parameters: { train: { l2: 2 } } });
  expect((await good.result).parameters).toEqual({ l2: 2, maxCategories: 10 });
  const wrong = await startTraining({ parameters: { train: { depth: 3 } } });
  const failure = await failureOf(wrong.result);
  expect(failure).toMatchObject({ code: "trainer-failed", detail: expect.stringContaining("exit code 1") });
  expect(failure.logTail).toContain('The baseline has no parameter "depth"');
  expect(await store.getText(failure.log!)).toContain('The baseline has no parameter "depth"');
});

test("a trainer that hangs is ended at its time limit with all that it started", async () => {
  const marker = newMarker();
  const { result, heartbeats, jobsDirectory } = await startTraining({
    trainer: "hang",
    train: { limits: { minutes: 2 / 60 } },
    parameters: { train: { marker } },
  });
  await until(() => processesWith(marker).length >= 2);
  await until(() => store.readLive("flight-delays.1").join("").includes("started and now hanging"));
  const failure = await failureOf(result);
  expect(failure).toMatchObject({ code: "trainer-timeout", logTail: expect.stringContaining("started and now hanging") });
  // What a trainer prints is shown beside the artifacts while it runs; a heartbeat's words may end in a history.
  expect(heartbeats.at(-1)).toBe("baseline is training");
  expect(store.readLive("flight-delays.1")).toEqual([]);
  expect(processesWith(marker)).toEqual([]);
  expect(readdirSync(jobsDirectory)).toEqual([]);
});

test("a trainer that prints without end is ended at its output limit, and a mebibyte of the log is kept", async () => {
  const { result } = await startTraining({ trainer: "chatter", train: { limits: { outputMb: 5 } } });
  const failure = await failureOf(result);
  expect(failure).toMatchObject({ code: "trainer-output", detail: expect.stringContaining("5 MB") });
  const log = await store.getText(failure.log!);
  expect(log.length).toBeLessThan(1.1 * 2 ** 20);
  expect(log).toContain("were left out");
});

test("a trainer that fills the disk is ended at its output limit", async () => {
  const { result } = await startTraining({ trainer: "hoarder", train: { limits: { outputMb: 20 } } });
  expect(await failureOf(result)).toMatchObject({ code: "trainer-output" });
});

test("a trainer whose children eat memory is ended with them", async () => {
  const marker = newMarker();
  const { result } = await startTraining({
    trainer: "eater",
    train: { limits: { memoryMb: 400 } },
    parameters: { train: { marker } },
  });
  expect(await failureOf(result)).toMatchObject({
    code: "trainer-memory",
    detail: expect.stringContaining("it may hold 400 MB"),
  });
  expect(processesWith(marker)).toEqual([]);
});

test("a trainer that dies by a signal or fails is told by signal, exit code and the end of its log", async () => {
  const crashed = await startTraining({ trainer: "suicide" });
  expect(await failureOf(crashed.result)).toMatchObject({
    code: "trainer-failed",
    detail: expect.stringContaining("died by SIGSEGV"),
    logTail: expect.stringContaining("about to crash"),
  });
  const failed = await startTraining({ trainer: "failure" });
  expect(await failureOf(failed.result)).toMatchObject({
    code: "trainer-failed",
    detail: expect.stringContaining("exit code 42"),
    logTail: expect.stringContaining("ValueError: could not convert"),
  });
});

test.each([
  ["broken", "model-refused", "no ONNX model"],
  ["empty", "model-refused", "empty"],
  ["link", "model-refused", "isn't a plain file"],
  ["hard link", "model-refused", "isn't a plain file"],
  ["report", "model-refused", "result.json is no JSON"],
  ["nothing", "trainer-failed", "wrote no model.onnx"],
])("a trainer that writes a %s model is refused as %s with its log", async (write, code, detail) => {
  const secret = join(directory, "secret.txt");
  await writeFile(secret, "secret");
  const { result } = await startTraining({ trainer: "writer", parameters: { train: { write, target: secret } } });
  expect(await failureOf(result)).toMatchObject({
    code,
    detail: expect.stringContaining(detail),
    logTail: expect.stringContaining(`wrote ${write}`),
  });
});

test.each([
  ["[]", "has no environment"],
  ["null", "isn't an object"],
  ['{"environment": ["a"]}', "has no environment"],
  ['{"environment": {"a": 1}}', "at most 100 short strings"],
  [`{"environment": {"a": "${"x".repeat(301)}"}}`, "at most 100 short strings"],
  ['{"environment": {}, "summary": 7}', "a sentence as its summary"],
  ['{"environment": {}, "metrics": {"auc": 1e999}}', "finite numbers as its metrics"],
  ['{"environment": {}, "metrics": [1]}', "finite numbers as its metrics"],
  ['{"environment": {}, "predictions": [1e999]}', "finite numbers as its predictions"],
  ['{"environment": {}, "predictions": [NaN]}', "is no JSON"],
  ['{"environment": {}, "predictions": ["1"]}', "finite numbers as its predictions"],
])("a result.json of %s is refused", (text, cause) => {
  expect(() => readReport(Buffer.from(text))).toThrow(cause);
});

test("what result.json says at length is cut, and __proto__ in it is a name like others", () => {
  const text = `{"environment": {"__proto__": "x"}, "summary": "${"s".repeat(5000)}"}`;
  const report = readReport(Buffer.from(text));
  expect(report?.summary).toHaveLength(300);
  expect(Object.getPrototypeOf(report?.environment)).toBe(Object.prototype);
});

test("a cancelled training leaves no process and no folder", async () => {
  const marker = newMarker();
  const { result, cancel, jobsDirectory } = await startTraining({ trainer: "hang", parameters: { train: { marker } } });
  const outcome = result.catch((error: unknown) => error);
  await until(() => processesWith(marker).length >= 2);
  cancel();
  expect(await outcome).toMatchObject({ name: "CancelledFailure" });
  expect(processesWith(marker)).toEqual([]);
  expect(readdirSync(jobsDirectory)).toEqual([]);
});

test("an unknown trainer is named", async () => {
  const activity = createTrainActivity({ store, jobsDirectory: join(directory, "jobs"), trainers: {} });
  const definition = await store.putJson(definitionWith());
  const { result } = startActivity(activity, {
    model: "flight-delays",
    release: "flight-delays.1",
    definition,
    parameters: {},
    spec: flights.spec,
    train: flights.train,
  });
  expect(await failureOf(result)).toMatchObject({
    code: "trainer-failed",
    detail: expect.stringContaining('no trainer "baseline"'),
  });
});

test("a folder that only its owner may enter does not keep the trainer from its job", async () => {
  await mkdir(join(directory, "private"), { mode: 0o700 });
  const { result } = await startTraining({ jobs: "private/jobs" });
  expect((await result).modelBytes).toBeGreaterThan(0);
  expect(existsSync(join(directory, "private", "jobs"))).toBe(true);
});

test("a command of a definition sees no more for being named, and what is nowhere is named", async () => {
  const sight = { paths: [], never: [directory] };
  const program = join(directory, "home", "bin", "x");
  await mkdir(dirname(program), { recursive: true });
  await writeFile(program, "#!/bin/sh\n", { mode: 0o755 });
  await expect(seeInstallation({ command: program, args: [] }, sight)).rejects.toThrow(
    /train\.command: .*\/x lies where trainers do not see it\..*COUNTERSIGN_TRAINER_PATHS/,
  );
  await expect(seeInstallation({ command: "no-such-program", args: [] }, sight)).rejects.toThrow("is not on the PATH");
  expect(await seeInstallation({ command: program, args: [] }, { ...sight, paths: [directory] })).toMatchObject({
    sees: [directory],
  });
  expect(installationOf(program, sight)).toEqual([program]);
  expect(installationOf(program, { paths: [], never: [] })).toEqual([join(directory, "home")]);
});

test("where nothing can be isolated, a command is refused unless the operator lets it run, and the record says that it ran so", async () => {
  // No programs to isolate with: as on a system that has none.
  const path = process.env["PATH"];
  const { definition, deps } = await commandTraining();
  vi.resetModules();
  process.env["PATH"] = "/nowhere";
  const { createTrainActivity: create } = await import("../../activities/train.ts");
  process.env["PATH"] = path;
  const run = (allowUnisolated: boolean) => {
    process.env["PATH"] = "/nowhere";
    const input = { model: "m", release: "m.1", definition, parameters: {}, spec: flights.spec, train: flights.train } as const;
    return startActivity(create({ ...deps, allowUnisolated }), input).result.finally(() => (process.env["PATH"] = path));
  };
  expect(await failureOf(run(false))).toMatchObject({
    code: "trainer-isolation",
    detail: expect.stringMatching(
      /^This trainer is other people's code, and this machine cannot isolate it: .*It was not started\.$/,
    ),
  });
  const made = await run(true);
  expect(made.summary).toContain("It ran without isolation.");
  expect(made.environment).toMatchObject({ isolation: "none" });
  expect(await store.getText(made.log)).toMatch(/^Trainer "command" \(not isolated: /);
});

async function commandTraining() {
  const main = fileURLToPath(new URL("../../ml/trainers/baseline-main.ts", import.meta.url));
  const definition = await store.putJson(definitionWith({ train: { trainer: "command", command: [process.execPath, main] } }));
  const sight = { paths: [dirname(process.execPath)], never: [] };
  return { definition, deps: { store, jobsDirectory: join(directory, "jobs"), sight } };
}
