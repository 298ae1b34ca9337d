import { Client, Connection } from "@temporalio/client";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it, vi } from "vitest";
import { createDatabase } from "../../db/database.ts";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import type { AuditVerificationView } from "../../domain/http/record-views.ts";
import type { ReconciliationView } from "../../domain/http/reconciliation-views.ts";
import { workflowIds } from "../../domain/ids.ts";
import { rememberHead } from "../../db/audit-continuity.ts";
import { applyExample, decision, model, promote, waitAtGate } from "../records/passage.ts";
import { createRegistry, type Registry } from "../records/registry.ts";
import { createTestNamespace, temporalAddress } from "../setup/temporal.ts";
import { createDoor } from "../world/door.ts";
import { generateKeyPairSync } from "node:crypto";

/** PostgreSQL and Temporal are restored to different moments: a real copy of the database, a real Temporal. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
let client: Client;
let registry: Registry;
beforeAll(async () => {
  const [connection, namespace] = await Promise.all([Connection.connect({ address: temporalAddress() }), createTestNamespace()]);
  client = new Client({ connection, namespace });
  registry = await createRegistry({ temporalClient: client });
  await applyExample(registry);
});
afterAll(async () => {
  await registry?.stop();
  await client?.connection.close();
});

/** A copy of the database as it is now, as a backup would be. */
async function backUp(): Promise<{ url: string; drop(): Promise<void> }> {
  const url = new URL(registry.databaseUrl);
  const name = url.pathname.slice(1);
  const copy = `${name}_backup`;
  // The processes' own role makes no database.
  const adminUrl = inject("adminDatabaseUrl");
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [name]);
  await admin.query(`create database ${copy} template ${name}`);
  await admin.end();
  const of = new URL(registry.databaseUrl);
  of.pathname = `/${copy}`;
  return {
    url: of.href,
    async drop() {
      const last = new pg.Client({ connectionString: adminUrl });
      await last.connect();
      await last.query(`drop database ${copy} with (force)`);
      await last.end();
    },
  };
}

const start = (workflowId: string, type: string) => client.workflow.start(type, { workflowId, taskQueue: "nobody" });

async function doorOf(databaseUrl: string) {
  const db = createDatabase({ url: databaseUrl });
  const keys = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { db, door: await createDoor({ db, databaseUrl, client, store: registry.store, keys, home: registry.folder }) };
}

it("a database from before a promotion is noticed, says what it lacks, and deploys nothing", async () => {
  const waiting = await waitAtGate(registry, 1);
  const backup = await backUp();
  await start(workflowIds.lifecycle(model), "lifecycle");
  await registry.records.closeGate({ gate: waiting.gate, commands: [decision(registry, waiting, "grace")] });
  await registry.records.deploy({ release: waiting.release });
  await registry.records.endRelease({ release: waiting.release, outcome: "promoted", next: null, summary: "It serves." });
  await promote(registry, 2);
  for (const release of [waiting.release, `${model}.2`]) await start(workflowIds.release(release), "release");
  await start(workflowIds.gate(waiting.gate), "gate");
  await start(workflowIds.gate(`${model}.2.promotion.1`), "gate");

  const { db, door } = await doorOf(backup.url);
  const verification = await door.as("olga").get<AuditVerificationView>("/api/audit/verification");
  expect(verification.body).toMatchObject({ intact: false, fault: { why: expect.stringMatching(/older than what was seen/) } });
  const { body } = await door.as("olga").get<ReconciliationView>("/api/reconciliation");
  const found = body.findings.map(({ knows, subject }) => `${knows}: ${subject}`);
  expect(found.toSorted()).toEqual(["artifacts: audit", `temporal: ${model}.2`, `temporal: ${model}.2.promotion.1`].toSorted());
  expect((await door.as("ada").get("/api/reconciliation")).status).toBe(403);
  const { verifier, sealer } = registry;
  const records = createRecordActivities({ db, store: registry.store, verifier, sealer, temporalClient: client });
  await records.closeGate({ gate: waiting.gate, commands: [decision(registry, waiting, "grace")] });
  await expect(records.deploy({ release: waiting.release })).rejects.toMatchObject({
    message: expect.stringMatching(/older than what was seen.*countersign reconcile/),
  });
  await db.destroy();
  await backup.drop();
  // The database that was seen goes on.
  await rememberHead(registry.db, registry.store);
});

it("a Temporal that knows less than the database is reported, with what the watch does about it", async () => {
  const waiting = await waitAtGate(registry, 3);
  const { db, door } = await doorOf(registry.databaseUrl);
  const { body } = await door.as("olga").get<ReconciliationView>("/api/reconciliation");
  const lost = body.findings.filter(({ knows }) => knows === "database");
  expect(lost.map(({ subject }) => subject).toSorted()).toEqual([waiting.release, waiting.gate].toSorted());
  expect(lost[0]?.cure).toMatch(/the watch/);
  await db.destroy();
});
