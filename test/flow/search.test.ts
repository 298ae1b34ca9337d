import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SearchTrial, TrainResult } from "../../domain/stage-results.ts";
import { processesWith } from "../ml-models/running-processes.ts";
import { temporalAddress } from "../setup/temporal.ts";
import { historyOf } from "../workflows/recorded.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

/** Below the working directory, which is the trainers' root here; and a folder that trainers can read. */
let folder: string;
let outside: string;
let world: World;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  world = await createWorld({ trains: false });
  folder = await mkdtemp("node_modules/.cache/trainers-");
  outside = await mkdtemp(join(tmpdir(), "countersign-search-"));
  await chmod(outside, 0o755);
});
afterAll(async () => {
  for (const worker of workers) if (worker.exitCode === null && worker.signalCode === null) worker.kill("SIGKILL");
  await world?.stop();
  for (const one of [folder, outside]) await rm(one, { recursive: true, force: true });
});

/** The training worker as an instance runs it: a process of its own, which can be killed. */
async function startWorker(): Promise<ChildProcess> {
  const worker = spawn(process.execPath, ["bin/worker.ts"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"] ?? "",
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: world.namespace,
      COUNTERSIGN_QUEUES: "train",
      COUNTERSIGN_HOME: world.home,
      COUNTERSIGN_ARTIFACTS: world.artifacts,
      COUNTERSIGN_TRAINERS_ROOT: process.cwd(),
      // The test's own file to wait for, and the built-in trainer with what it imports.
      COUNTERSIGN_TRAINER_PATHS: [outside, process.cwd()].join(delimiter),
    },
  });
  workers.push(worker);
  return worker;
}

/** The built-in trainer, which waits at one point of the search until a file says that it may go on. */
const hesitant = `import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
const [go, baseline] = process.argv.slice(2);
const { parameters } = JSON.parse(readFileSync("job.json", "utf8"));
console.log("learning with l2", parameters.l2);
while (parameters.l2 === 30 && readFileSync(go, "utf8") !== "go") await sleep(50);
await import(baseline);`;

test("a worker that is killed during a search loses the trial that it was at, and no other; its log is read while it runs", async () => {
  const go = join(outside, "go.txt");
  await writeFile(go, "wait", { mode: 0o644 });
  await writeFile(join(folder, "train.mjs"), hesitant);
  const doomed = await startWorker();
  const definition = await smallModel("searched", "low", (one) => {
    one.train = {
      ...one.train,
      trainer: "command",
      command: [process.execPath, "trainer/train.mjs", go, resolve("ml/trainers/baseline-main.ts")],
      files: folder,
      parameters: { l2: 3 },
      search: { space: { l2: [30, 300] }, trials: 3, parallel: 1 },
    };
    one.evaluate.thresholds = { auc: { pass: 0.5, fail: 0.4 } };
  });
  await apply(world, definition);
  const id = await requestRelease(world, "searched");

  const live = await until(
    "the second trial's lines in the live log",
    async () => {
      const { status, body } = await world.as("ada").get<string>(`/api/releases/${id}/logs?stage=train`);
      return status === 200 && body.includes("learning with l2 30") && body;
    },
    90_000,
  );
  expect(live).not.toContain("learning with l2 3\n");

  expect(processesWith(go).length).toBeGreaterThan(0);
  doomed.kill("SIGKILL");
  await once(doomed, "exit");
  await startWorker();
  await until("the trainer of the killed worker is gone", async () => processesWith(go).length === 0);
  await writeFile(go, "go");

  const release = await untilState(world, id, ["ended", "blocked"], 120_000);
  expect(release).toMatchObject({ outcome: "promoted", blocked: null });
  const { result } = await world.db
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", id)
    .where("stage", "=", "train")
    .executeTakeFirstOrThrow();
  // What the train stage put there.
  const { search, parameters } = result as unknown as TrainResult;
  if (!search) throw new Error("There was no search.");
  expect(search).toMatchObject({ tried: 3, failed: 0, metric: "logLoss" });
  const trials = await world.store.getJson<SearchTrial[]>(search.trials);
  expect(trials.map(({ number, parameters: tried }) => [number, tried["l2"] ?? 3])).toEqual([
    [1, 3],
    [2, 30],
    [3, 300],
  ]);
  const best = trials.toSorted((left, right) => left.value! - right.value!)[0]!;
  expect(search).toMatchObject({ chosen: best.number, best: best.value });
  expect(parameters["l2"]).toBe(best.parameters["l2"] ?? 3);

  const history = await historyOf(world, `release/${id}`, "release-searched");
  const events = history.events ?? [];
  const scheduled = events.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === "tryParameters");
  const attempts = scheduled.map(
    ({ eventId }) =>
      events.find((event) => event.activityTaskStartedEventAttributes?.scheduledEventId?.eq(eventId ?? 0))
        ?.activityTaskStartedEventAttributes?.attempt,
  );
  expect(attempts).toEqual([1, 2, 1]);
}, 240_000);
