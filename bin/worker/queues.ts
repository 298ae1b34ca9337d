import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { Worker, type NativeConnection, type WorkerOptions } from "@temporalio/worker";
import { createRemoteOffers } from "../../activities/sources/remote-offers.ts";
import { forgetTrainingFiles } from "../../activities/retention/forget-training-files.ts";
import { createRetentionActivities } from "../../activities/retention/retention-activities.ts";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { createSearchAttributes } from "../../activities/search-attributes.ts";
import { createStageActivities } from "../../activities/stage-activities.ts";
import { createStageSealer } from "../../activities/stage-seal.ts";
import { createTrainActivities } from "../../activities/train-activities.ts";
import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { taskQueues, type StageActivities, type TaskQueue } from "../../activities/contract.ts";
import type { TrainActivities } from "../../activities/train-contract.ts";
import { createArtifactSweep } from "../../artifacts/artifact-sweep.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { createDatabase } from "../../db/database.ts";
import { markedIdentity } from "../../domain/training-worker.ts";
import { findIsolation } from "../../ml/trainers/isolation.ts";
import { createPythonEnvironments } from "../../ml/trainers/python-environment.ts";
import { createSourceFiles } from "../../db/source-files.ts";
import { keepDays, readConfig, sourceConnections } from "../config.ts";
import { guardedRoot } from "../guarded-root.ts";
import { ownEndpoints } from "../own-endpoints.ts";
import { createNotifyWorker } from "../messages/notify-worker.ts";
import { ensureRetention, ensureSweep } from "./sweep-schedule.ts";
import { bundleWorkflows } from "./workflow-bundle.ts";

const checkout = fileURLToPath(new URL("../../", import.meta.url)).slice(0, -1);

/** A worker that runs, and what must be closed after it. */
export interface QueueWorker {
  worker: Worker;
  close(): Promise<void>;
}

/** Each kind of worker asks the environment for what it needs and no more. */
export function createQueueWorker(queue: TaskQueue, connection: NativeConnection): Promise<QueueWorker> {
  switch (queue) {
    case "lifecycle":
      return createLifecycleWorker(connection);
    case "stages":
      return createStagesWorker(connection);
    case "train":
      return createTrainWorker(connection);
    case "notify":
      return createMessagesWorker(connection);
  }
}

/**
 * What waits costs memory only while it is in this cache: 0.2 MB each (measured with three thousand open gates).
 * By the heap's limit the default was 2,400 of them and 1.3 GB. One that is not in it is replayed when a decision comes.
 */
const mostCachedWorkflows = 500;

async function createLifecycleWorker(connection: NativeConnection): Promise<QueueWorker> {
  const config = readConfig(process.env, [
    "DATABASE_URL",
    "COUNTERSIGN_ARTIFACTS",
    "COUNTERSIGN_VERIFY_KEY_FILE",
    "COUNTERSIGN_STAGES_KEY",
    "TEMPORAL_ADDRESS",
  ]);
  const db = createDatabase({ url: config.DATABASE_URL });
  const store = createArtifactStore({ directory: config.COUNTERSIGN_ARTIFACTS, inbox: config.COUNTERSIGN_INBOX });
  const verifier = createCommandVerifier({
    publicKeyPem: await readFile(config.COUNTERSIGN_VERIFY_KEY_FILE, "utf8"),
  });
  const namespace = config.TEMPORAL_NAMESPACE;
  const client = new Client({
    connection: await Connection.connect({ address: config.TEMPORAL_ADDRESS }),
    namespace,
  });
  const searchAttributes = createSearchAttributes({ client, namespace });
  const registered = await searchAttributes.register();
  if (!registered.ok)
    process.stderr.write(
      `Runs cannot be searched by model, stage or state: ${registered.reason}\nRegister the attributes yourself: ${registered.command}\n`,
    );
  await ensureSweep({ client, db }, config.COUNTERSIGN_SWEEP_SECONDS);
  await ensureRetention(client);
  const sweep = createArtifactSweep(config.COUNTERSIGN_ARTIFACTS);
  const activities = createRecordActivities({
    db,
    store,
    verifier,
    sealer: createStageSealer({ key: config.COUNTERSIGN_STAGES_KEY }),
    temporalClient: client,
    searchAttributes,
  });
  const worker = await Worker.create({
    ...common(connection, namespace),
    taskQueue: taskQueues.lifecycle,
    workflowBundle: await bundleWorkflows(),
    activities: { ...activities, ...createRetentionActivities({ db, sweep, keep: keepDays(config) }) },
    maxConcurrentActivityTaskExecutions: 20,
    maxCachedWorkflows: mostCachedWorkflows,
  });
  return {
    worker,
    close: async () => {
      await db.destroy();
      await client.connection.close();
    },
  };
}

async function createStagesWorker(connection: NativeConnection): Promise<QueueWorker> {
  const config = readConfig(process.env, ["DATABASE_URL", "COUNTERSIGN_ARTIFACTS", "COUNTERSIGN_STAGES_KEY"]);
  const db = createDatabase({ url: config.DATABASE_URL, max: 4 });
  const store = createArtifactStore({ directory: config.COUNTERSIGN_ARTIFACTS, inbox: config.COUNTERSIGN_INBOX });
  const activities: StageActivities = createStageActivities({
    db,
    store,
    sealer: createStageSealer({ key: config.COUNTERSIGN_STAGES_KEY }),
    sources: {
      dataRoot: await guardedRoot(config, "COUNTERSIGN_DATA_ROOT"),
      memory: createSourceFiles(db),
      remote: createRemoteOffers({
        hosts: config.COUNTERSIGN_DATA_HOSTS,
        development: config.COUNTERSIGN_MODE === "development",
        own: ownEndpoints(config),
        connections: sourceConnections(process.env),
      }),
    },
  });
  // Two at once: DuckDB takes two threads each.
  const worker = await Worker.create({
    ...common(connection, config.TEMPORAL_NAMESPACE),
    taskQueue: taskQueues.stages,
    activities,
    maxConcurrentActivityTaskExecutions: 2,
  });
  return { worker, close: () => db.destroy() };
}

async function createTrainWorker(connection: NativeConnection): Promise<QueueWorker> {
  const config = readConfig(process.env, ["COUNTERSIGN_ARTIFACTS"]);
  const store = createArtifactStore({ directory: config.COUNTERSIGN_ARTIFACTS, outbox: config.COUNTERSIGN_OUTBOX });
  const home = resolve(config.COUNTERSIGN_HOME);
  const trainersRoot = config.COUNTERSIGN_TRAINERS_ROOT ?? config.COUNTERSIGN_DATA_ROOT;
  const jobsDirectory = join(home, "jobs");
  const exchangeDirectory = resolve(config.COUNTERSIGN_EXCHANGE ?? join(home, "exchange"));
  const aging = { folders: [jobsDirectory, exchangeDirectory], outbox: config.COUNTERSIGN_OUTBOX };
  await forgetTrainingFiles(aging);
  const hourly = setInterval(() => void forgetTrainingFiles(aging), 3_600_000);
  const activities: TrainActivities = createTrainActivities({
    store,
    jobsDirectory,
    allowUnisolated: config.COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS,
    sight: { paths: config.COUNTERSIGN_TRAINER_PATHS, never: [home, resolve(config.COUNTERSIGN_ARTIFACTS), checkout] },
    trainersRoot: await guardedRoot({ ...config, COUNTERSIGN_TRAINERS_ROOT: trainersRoot }, "COUNTERSIGN_TRAINERS_ROOT"),
    exchangeDirectory,
    python: createPythonEnvironments({
      folder: resolve(config.COUNTERSIGN_PYTHON_ENVIRONMENTS ?? join(home, "python")),
      python: config.COUNTERSIGN_PYTHON,
    }),
  });
  // A machine too busy to tell is asked again by the first training.
  const isolation = await findIsolation().catch(() => null);
  if (isolation?.way === null) process.stderr.write(`Trainers are ${isolation.description}.\n`);
  const mark = config.COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS ? "unisolated" : "refusing";
  const worker = await Worker.create({
    ...common(connection, config.TEMPORAL_NAMESPACE),
    identity: markedIdentity(isolation?.way === null ? mark : null, `${process.pid}@${hostname()}`),
    taskQueue: taskQueues.train,
    activities,
    // The log of what trains is read from heartbeats: the default would hold each back for 12 s.
    maxHeartbeatThrottleInterval: "2s",
    maxConcurrentActivityTaskExecutions: config.COUNTERSIGN_TRAININGS_AT_ONCE,
  });
  return {
    worker,
    close: () => {
      clearInterval(hourly);
      return Promise.resolve();
    },
  };
}

function createMessagesWorker(connection: NativeConnection): Promise<QueueWorker> {
  const config = readConfig(process.env, ["DATABASE_URL", "TEMPORAL_ADDRESS"]);
  return createNotifyWorker(config, common(connection, config.TEMPORAL_NAMESPACE));
}

function common(
  connection: NativeConnection,
  namespace: string,
): Pick<WorkerOptions, "connection" | "namespace" | "shutdownGraceTime"> {
  // The default of nought would break off what is under way.
  return { connection, namespace, shutdownGraceTime: "8s" };
}
