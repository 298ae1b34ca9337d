import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VersionView } from "../../domain/http/model-views.ts";
import { workflowIds } from "../../domain/ids.ts";
import { temporalAddress } from "../setup/temporal.ts";
import { historyOf } from "../workflows/recorded.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { pythonIsThere, testPython } from "../world/python.ts";
import { createWorld, type World } from "../world/world.ts";

/** The example of a foreign trainer, as its README says: a Temporal worker in Python on a task queue of its own. */
const there = await pythonIsThere();
const client = resolve("node_modules/.cache/countersign/temporalio");

let world: World;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  if (!there) return;
  const { python } = await testPython().prepare({ progress: () => undefined, signal: new AbortController().signal });
  // Beside the trainers' environment, which is locked: what the worker needs besides, once a checkout.
  if (!existsSync(client))
    await promisify(execFile)(python, [
      "-m",
      "pip",
      "install",
      "-q",
      "--target",
      client,
      "-r",
      "examples/python-trainer/requirements.txt",
    ]);
  world = await createWorld();
  worker = spawn(python, ["-B", "examples/python-trainer/worker.py"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"] ?? "",
      PYTHONPATH: client,
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: world.namespace,
      TASK_QUEUE: "python-trainer",
      OMP_NUM_THREADS: "2",
      OMP_WAIT_POLICY: "PASSIVE",
    },
  });
}, 300_000);

afterAll(async () => {
  if (worker !== undefined && worker.exitCode === null) {
    worker.kill("SIGKILL");
    await once(worker, "exit");
  }
  await world?.stop();
});

test.skipIf(!there)(
  "a worker in Python trains on its own task queue, and its model goes the way of any other",
  { timeout: 300_000 },
  async () => {
    const definition = await smallModel("far-away", "low", (one) => {
      one.train = { ...one.train, trainer: "task-queue", taskQueue: "python-trainer", parameters: { num_iterations: 30 } };
      one.evaluate.thresholds = { auc: { pass: 0.5, fail: 0.4 } };
    });
    await apply(world, definition);
    const release = await untilState(world, await requestRelease(world, "far-away"), ["ended", "blocked"], 200_000);
    expect(release).toMatchObject({ outcome: "promoted", blocked: null });
    const stage = release.stages.find((one) => one.stage === "train");
    expect(stage?.summary).toMatch(/^The task queue python-trainer trained in .*30 rounds of trees/);
    const { log } = await world.db
      .selectFrom("release_stages")
      .select("log")
      .where("release_id", "=", release.id)
      .where("stage", "=", "train")
      .executeTakeFirstOrThrow();
    expect(await world.store.getText(log!)).toContain("Round 30 of 30");
    await historyOf(world, `release/${release.id}`, "release-task-queue");

    // The same worker trains it a second time, through a job folder of its own.
    const { body } = await world.as("ada").post<{ reproduction: string }>(`/api/versions/${release.id}/reproductions`, {});
    const found = await until(
      "the end of the second training",
      async () => {
        const version = await world.as("ada").get<VersionView>(`/api/versions/${release.id}`);
        return version.body.reproductions.find(({ state }) => state !== "running");
      },
      100_000,
    );
    expect(found).toMatchObject({ id: body.reproduction, state: "same", differs: [], fault: null });
    await historyOf(world, workflowIds.reproduction(body.reproduction), "reproduction-task-queue");
  },
);
