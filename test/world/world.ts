import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from "@temporalio/worker";
import type { TaskQueue } from "../../activities/contract.ts";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { createSearchAttributes } from "../../activities/search-attributes.ts";
import { createStageActivities } from "../../activities/stage-activities.ts";
import { createTrainActivities } from "../../activities/train-activities.ts";
import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { createDatabase } from "../../db/database.ts";
import { createSourceFiles } from "../../db/source-files.ts";
import { createTestDatabase } from "../setup/database.ts";
import { createTestNamespace, temporalAddress, workflowBundle } from "../setup/temporal.ts";
import { recordAll } from "../workflows/recorder.ts";
import { testPython } from "./python.ts";
import { testSealer } from "./sealer.ts";
import { createDoor, type Caller } from "./door.ts";
import { rootAt } from "../setup/root-at.ts";

Runtime.install({ logger: new DefaultLogger("ERROR") });

/**
 * The whole product in one process, but for the supervisor: real PostgreSQL, real Temporal, real
 * files, the three workers, control and the HTTP application. One a test file; nothing is shared
 * with other files but the two servers. `trains: false`: no worker of the queue `train`; the test brings its own.
 * `trainersSee`: folders that commands may read besides the system's, as an operator says.
 */
export async function createWorld({
  trains = true,
  data = process.cwd(),
  trainersSee = [],
}: { trains?: boolean; data?: string; trainersSee?: string[] } = {}) {
  const [database, namespace, folder, connection] = await Promise.all([
    createTestDatabase(),
    createTestNamespace(),
    mkdtemp(join(tmpdir(), "countersign-world-")),
    NativeConnection.connect({ address: temporalAddress() }),
  ]);
  // As the home of an instance: other users pass through to their own folders, such as a trainer's.
  await chmod(folder, 0o711);
  const keys = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const db = createDatabase({ url: database.url });
  const adminDb = createDatabase({ url: database.adminUrl, max: 2 });
  const store = createArtifactStore({ directory: join(folder, "artifacts") });
  const client = new Client({ connection: await Connection.connect({ address: temporalAddress() }), namespace });
  const searchAttributes = createSearchAttributes({ client, namespace });
  await searchAttributes.register();
  const verifier = createCommandVerifier({ publicKeyPem: keys.publicKey });
  const records = createRecordActivities({ db, store, verifier, sealer: testSealer, temporalClient: client, searchAttributes });
  const stageActivities = createStageActivities({
    db,
    store,
    sealer: testSealer,
    sources: { dataRoot: rootAt(data), memory: createSourceFiles(db) },
  });
  const trainActivities = createTrainActivities({
    store,
    jobsDirectory: join(folder, "jobs"),
    exchangeDirectory: join(folder, "exchange"),
    trainersRoot: rootAt(process.cwd()),
    sight: { paths: trainersSee, never: [] },
    python: testPython(),
  });
  const common = { connection, namespace, shutdownGraceTime: "1s" } as const;
  const all: WorkerOptions[] = [
    { ...common, workflowBundle: workflowBundle(), taskQueue: "lifecycle", activities: records },
    { ...common, taskQueue: "stages", activities: stageActivities },
    ...(trains ? [{ ...common, taskQueue: "train", activities: trainActivities }] : []),
  ];
  const start = async (without?: TaskQueue) => {
    const wanted = all.filter(({ taskQueue }) => taskQueue !== without);
    const workers = await Promise.all(wanted.map((options) => Worker.create(options)));
    const running = Promise.all(workers.map((worker) => worker.run()));
    return async () => {
      for (const worker of workers) worker.shutdown();
      await running;
    };
  };
  let stopWorkers = await start();
  const door = await createDoor({ db, databaseUrl: database.url, client, store, keys, home: folder });
  return {
    db,
    /** As the superuser: what somebody with the whole database does. */
    adminDb,
    adminUrl: database.adminUrl,
    store,
    /** The folder of the store, for parts that open one of their own. */
    artifacts: join(folder, "artifacts"),
    home: folder,
    client,
    namespace,
    keys,
    records,
    databaseUrl: database.url,
    app: door.app,
    as: (principal: string): Caller => door.as(principal),
    /** By principal, for who asks another process than the application here. */
    tokens: door.tokens,
    /** All workers stop and start again, as after an upgrade. */
    async restartWorkers() {
      await stopWorkers();
      stopWorkers = await start();
    },
    /** No worker runs until `startWorkers`. */
    async stopWorkers() {
      await stopWorkers();
      stopWorkers = () => Promise.resolve();
    },
    /** `without`: the queue that somebody else's worker polls. */
    async startWorkers({ without }: { without?: TaskQueue } = {}) {
      await stopWorkers();
      stopWorkers = await start(without);
    },
    async stop() {
      await recordAll(client);
      await stopWorkers();
      await db.destroy();
      await adminDb.destroy();
      await client.connection.close();
      await connection.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
