import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTrainActivity } from "../../activities/train.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeaturizeResult, ReleaseParameters } from "../../domain/stage-results.ts";
import { isolationFor } from "../../ml/trainers/isolation.ts";
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
  hidden?: string[];
}

async function startTraining({ trainer, train, parameters = {}, jobs = "jobs", hidden }: Attempt = {}) {
  const jobsDirectory = join(directory, jobs);
  const own =
    trainer === undefined
      ? {}
      : {
          trainers: {
            baseline: { command: process.execPath, args: [fileURLToPath(new URL(`./trainers/${trainer}.mjs`, import.meta.url))] },
          },
        };
  const activity = createTrainActivity({ store, jobsDirectory, ...own, ...(hidden === undefined ? {} : { hidden }) });
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
  ["link", "model-refused", "no plain file"],
  ["hard link", "model-refused", "no plain file"],
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

/** What makes a run the same each time: threads and hashes, no secret. */
const repeatable = /^(?:OMP_|OPENBLAS_|PYTHON)[A-Z_]+$/;

test("a trainer sees no secret of the environment, no file that is not its own, and no network", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const secretFile = join(directory, "tokens.json");
  const hiddenDirectory = join(directory, "hidden");
  await writeFile(secretFile, "token", { mode: 0o600 });
  await mkdir(hiddenDirectory);
  // What is tried here are the files' own modes and the hiding, not the folder above.
  await chmod(directory, 0o755);
  await writeFile(join(hiddenDirectory, "key"), "key", { mode: 0o644 });
  process.env["TEST_ONLY_SECRET"] = "x";
  const parameters = { train: { secretFile, hiddenFile: join(hiddenDirectory, "key"), port, worker: process.pid } };
  const { result } = await startTraining({ trainer: "spy", hidden: [hiddenDirectory, secretFile], parameters });
  const { logTail } = await failureOf(result);
  server.close();
  delete process.env["TEST_ONLY_SECRET"];
  const found = JSON.parse(/found (\{.*\})/.exec(logTail)![1]!);
  expect(
    found.environment.filter(
      (name: string) =>
        !repeatable.test(name) &&
        !["HOME", "LANG", "LC_ALL", "PATH", "PWD", "TMPDIR", "TZ", "SHLVL", "_", "OLDPWD"].includes(name),
    ),
  ).toEqual([]);
  const { description } = await isolationFor({ command: process.execPath, args: [] });
  if (description.startsWith("no network")) {
    expect(found.port).not.toBe("connected");
    expect(found.secretFile).not.toBe("token");
    expect(found.hidden).toBe("ENOENT");
    expect(found.workerVisible).not.toBe("true");
  }
  if (description.includes("nobody")) expect(found).toMatchObject({ user: 65534, siblings: "EACCES" });
  // What the system could do is what the log says it did.
  expect(logTail).toContain(`(${description})`);
});

test("a folder that only its owner may enter does not keep the trainer from its job", async () => {
  await mkdir(join(directory, "private"), { mode: 0o700 });
  const { result } = await startTraining({ jobs: "private/jobs" });
  expect((await result).modelBytes).toBeGreaterThan(0);
  expect(existsSync(join(directory, "private", "jobs"))).toBe(true);
});
