import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from "@temporalio/worker";
import { createRecordActivities } from "../activities/record/record-activities.ts";
import { createCommandVerifier } from "../approvals/verify-command.ts";
import { createApp } from "../api/app.ts";
import { createArtifactStore } from "../artifacts/artifact-store.ts";
import { bundleWorkflows } from "../bin/worker/workflow-bundle.ts";
import { createControl } from "../control/control.ts";
import { hashToken, newToken } from "../control/sign-in.ts";
import { createSigner } from "../control/signing.ts";
import { createDatabase, type Db } from "../db/database.ts";
import { migrateToLatest } from "../db/migrate.ts";
import { insertToken } from "../db/tokens.ts";
import { digestOfJson } from "../domain/digest.ts";
import type { GateRule, Policy } from "../domain/policy.ts";
import type { Holding } from "./gate-worker.ts";
import { createStageSealer } from "../activities/stage-seal.ts";

const stagesKey = randomBytes(32).toString("base64");

Runtime.install({ logger: new DefaultLogger("ERROR"), telemetryOptions: { logging: { filter: "ERROR", forward: {} } } });

export const policyId = "bench";

interface Wanted {
  people: number;
  rule: GateRule;
  /** The gates' worker is a process of its own, as in the product, and says what it holds. */
  workerApart?: boolean;
}

/**
 * PostgreSQL and Temporal of this run's own, the gates' worker, and control with the HTTP application in
 * this process; `people` decide. Nothing else of the product runs.
 */
export async function openGateStand({ people, rule, workerApart = false }: Wanted) {
  const services = await startServices();
  const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  await migrateToLatest(services.adminDatabaseUrl);
  const db = createDatabase({ url: services.adminDatabaseUrl });
  const [native, plain, workflowBundle] = await Promise.all([
    NativeConnection.connect({ address: services.temporalAddress }),
    Connection.connect({ address: services.temporalAddress }),
    bundleWorkflows(),
  ]);
  const client = new Client({ connection: plain });
  const keys = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const store = createArtifactStore({ directory: folder });
  const gates = workerApart
    ? await startWorkerApart({ folder, publicKeyPem: keys.publicKey, ...services })
    : await startWorkerHere(native, {
        workflowBundle,
        activities: createRecordActivities({
          db,
          store,
          verifier: createCommandVerifier({ publicKeyPem: keys.publicKey }),
          // No release of these runs a stage.
          sealer: createStageSealer({ key: stagesKey }),
          temporalClient: client,
        }),
      });
  const bare = fork(fileURLToPath(new URL("bare/gates-worker.ts", import.meta.url)), {
    env: { ...process.env, DATABASE_URL: services.adminDatabaseUrl, TEMPORAL_ADDRESS: services.temporalAddress },
  });
  const bareGone = once(bare, "exit");
  const signer = createSigner({ privateKeyPem: keys.privateKey });
  const control = createControl({ db, temporal: client, store, signer, publicUrl: "http://127.0.0.1:4400" });
  const app = createApp({ control, development: true, rate: { perSecond: 1_000_000, burst: 1_000_000 } });
  await publish(db, rule);
  const tokens = await makePeople(db, people);
  const digestOf = async (id: string) =>
    (await db.selectFrom("gates").select(["request_digest", "state"]).where("id", "=", id).executeTakeFirst()) ?? null;
  return {
    db,
    client,
    tokens,
    /** The people take turns. */
    tokenOf: (turn: number) => tokens[turn % tokens.length] ?? "",
    /** What the worker apart held last. */
    holding: gates.holding,
    startGate: (id: string) =>
      client.workflow.start("gate", {
        taskQueue: "lifecycle",
        workflowId: `gate/${id}`,
        args: [{ gate: id, external: requestOf(rule) }],
      }),
    digestOf,
    /** The digest of its request, once it is open. */
    async untilOpen(id: string): Promise<string> {
      for (;;) {
        const row = await digestOf(id);
        if (row?.state === "open") return row.request_digest;
        await sleep(20);
      }
    },
    /** One attempt through the whole HTTP application; told to try again it does, under the same key. */
    async decide(token: string, gate: string, digest: string): Promise<{ receipt: string; tries: number }> {
      const key = randomUUID();
      for (let tries = 1; ; tries++) {
        const response = await app.request(`http://127.0.0.1:4400/api/gates/${gate}/decisions`, {
          method: "POST",
          headers: {
            host: "127.0.0.1:4400",
            authorization: `Bearer ${token}`,
            "content-type": "application/json",
            "idempotency-key": key,
          },
          body: JSON.stringify({ decision: "approve", digest }),
        });
        // The routes' own shape; a problem has a code.
        const body = (await response.json()) as { receipt?: string; code?: string };
        if (response.status !== 503) return { receipt: body.receipt ?? body.code ?? "none", tries };
        await sleep(1000 * Number(response.headers.get("retry-after") ?? 1));
      }
    },
    async close() {
      bare.disconnect();
      await Promise.all([bareGone, gates.stop()]);
      await db.destroy();
      await plain.close();
      await native.close();
      await services.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function requestOf(rule: GateRule) {
  return {
    policy: policyId,
    rule: rule.name,
    subject: { kind: "payment-file", id: "payments", digest: `sha256:${"a".repeat(64)}` },
    ask: "May this payment file be sent?",
    why: "A bench asks.",
  };
}

export type GateStand = Awaited<ReturnType<typeof openGateStand>>;

interface GateWorker {
  holding(): Holding;
  stop(): Promise<void>;
}

async function startWorkerHere(
  connection: NativeConnection,
  options: Pick<WorkerOptions, "workflowBundle" | "activities">,
): Promise<GateWorker> {
  const worker = await Worker.create({ connection, taskQueue: "lifecycle", ...options });
  const running = worker.run();
  return {
    holding() {
      throw new Error("Only a worker apart says what it holds.");
    },
    async stop() {
      worker.shutdown();
      await running;
    },
  };
}

interface Apart {
  folder: string;
  publicKeyPem: string;
  adminDatabaseUrl: string;
  temporalAddress: string;
}

async function startWorkerApart({ folder, publicKeyPem, adminDatabaseUrl, temporalAddress }: Apart): Promise<GateWorker> {
  const key = join(folder, "verify.pem");
  await writeFile(key, publicKeyPem);
  const child = fork(fileURLToPath(new URL("gate-worker.ts", import.meta.url)), {
    env: {
      ...process.env,
      DATABASE_URL: adminDatabaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      COUNTERSIGN_ARTIFACTS: folder,
      COUNTERSIGN_VERIFY_KEY_FILE: key,
      COUNTERSIGN_STAGES_KEY: stagesKey,
    },
  });
  const gone = once(child, "exit");
  // The child sends nothing else.
  let [last] = (await Promise.race([once(child, "message"), gone.then(([code]) => fail(`The worker ended: ${code}.`))])) as [
    Holding,
  ];
  child.on("message", (told) => (last = told as Holding));
  return {
    holding: () => last,
    async stop() {
      child.disconnect();
      await gone;
    },
  };
}

function fail(message: string): never {
  throw new Error(message);
}

async function startServices() {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../test/setup/services.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return {
    ...(JSON.parse(line) as { adminDatabaseUrl: string; temporalAddress: string }),
    async end() {
      child.stdin.end();
      await gone;
    },
  };
}

async function publish(db: Db, rule: GateRule): Promise<void> {
  const policy: Policy = { id: policyId, version: 1, title: "Bench", tier: "low", gates: [], skippable: [], external: [rule] };
  const body = JSON.stringify(policy);
  await db
    .insertInto("policies")
    .values({ id: policyId, version: 1, digest: digestOfJson(policy), body, published_by: "countersign" })
    .execute();
}

async function makePeople(db: Db, count: number): Promise<string[]> {
  await db.insertInto("groups").values({ id: "approvers" }).execute();
  const ids = Array.from({ length: count }, (_, index) => `person-${index}`);
  const since = new Date("2020-01-01");
  await db
    .insertInto("principals")
    .values(ids.map((id) => ({ id, kind: "person" as const, display_name: id })))
    .execute();
  await db
    .insertInto("group_members")
    .values(ids.map((principal_id) => ({ group_id: "approvers", principal_id, since })))
    .execute();
  const tokens: string[] = [];
  for (const principal of ids) {
    const token = newToken();
    const id = `tok_${randomBytes(12).toString("base64url")}`;
    const expiresAt = new Date(Date.now() + 24 * 3_600_000);
    await insertToken(db, { id, principal, kind: "api", hash: hashToken(token), name: "bench", scopes: [], expiresAt });
    tokens.push(token);
  }
  return tokens;
}
