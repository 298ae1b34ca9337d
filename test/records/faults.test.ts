import { generateKeyPairSync, sign } from "node:crypto";
import { MockActivityEnvironment } from "@temporalio/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { createDatabase } from "../../db/database.ts";
import { commandText } from "../../domain/signed-command.ts";
import { applyExample, decision, model, recordVersion, requestRelease, waitAtGate, freeze } from "./passage.ts";
import { auditKinds, commandId, createRegistry, type Registry } from "./registry.ts";

let registry: Registry;

beforeEach(async () => {
  registry = await createRegistry();
});

afterEach(() => registry.stop());

test("a database that is away is a fault to be tried again", async () => {
  const url = new URL(registry.databaseUrl);
  url.port = "1";
  const db = createDatabase({ url: url.href });
  const records = createRecordActivities({
    db,
    store: registry.store,
    verifier: { verify: () => true },
    sealer: registry.sealer,
  });
  const release = `${model}.1`;
  for (const call of [
    () => records.beginStage({ release, stage: "ingest" }),
    () => records.readRelease({ release }),
    () => records.recallModel({ model }),
  ])
    await expect(call()).rejects.toMatchObject({ type: "transient", nonRetryable: false });
  await db.destroy();
});

test("a database that refuses a row is a fault for good, naming the constraint", async () => {
  await applyExample(registry);
  await registry.adminDb.deleteFrom("slots").execute();
  await registry.db
    .updateTable("models")
    .set({ definition_digest: `sha256:${"0".repeat(64)}` })
    .execute();
  const failing = requestRelease(registry, 1);
  await expect(failing).rejects.toMatchObject({
    type: "internal",
    nonRetryable: true,
    message: expect.stringContaining("definition"),
  });
});

test("a connection that breaks in the middle leaves no half of a closing, and the next try makes it whole", async () => {
  await applyExample(registry);
  const at = await waitAtGate(registry, 1);
  const command = decision(registry, at, "grace");
  const blocker = createDatabase({ url: registry.databaseUrl, max: 1 });
  // Holds the head of the chain, so that the closing stands at its last statement.
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = blocker.transaction().execute(async (trx) => {
    await trx.selectFrom("audit_head").selectAll().forUpdate().execute();
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const closing = registry.records.closeGate({ gate: at.gate, commands: [command] }).catch((error: unknown) => error);
  await until(async () => (await waiting()) > 0);
  await terminateWaiting();
  expect(await closing).toMatchObject({ type: "transient", nonRetryable: false });
  release.resolve();
  await holding;
  await blocker.destroy();
  expect(await registry.records.readGate({ gate: at.gate })).toMatchObject({ state: "open" });
  expect(await registry.db.selectFrom("decisions").select("command_id").execute()).toEqual([]);
  expect(await registry.records.closeGate({ gate: at.gate, commands: [command] })).toMatchObject({ resolution: "approved" });
});

async function waiting(): Promise<number> {
  const { rows } = await sql<{
    n: number;
  }>`SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(
    registry.db,
  );
  return rows[0]?.n ?? 0;
}

async function terminateWaiting(): Promise<void> {
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(
    registry.db,
  );
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await isTrue()); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() > deadline) throw new Error("It did not come about within 10 s.");
}

test("a workflow under another id neither starts nor ends a release, nor opens a gate", async () => {
  await applyExample(registry);
  const { release } = await requestRelease(registry, 1);
  const as = (workflowId: string) => new MockActivityEnvironment({ workflowExecution: { workflowId, runId: "run" } });
  const { startRelease, endRelease } = registry.records;
  const ended = { release, outcome: "abandoned" as const, next: null, summary: "" };
  expect(await as("evil").run(startRelease, { release, runId: "run" })).toMatchObject({ ok: false, code: "not-active" });
  await as("evil").run(endRelease, ended);
  expect(await registry.records.readRelease({ release })).toMatchObject({ state: "queued" });
  expect(await auditKinds(registry.db, release)).toEqual(["release.requested", "message.refused", "message.refused"]);
  expect(await as(`release/${release}`).run(startRelease, { release, runId: "run" })).toMatchObject({ ok: true });
  await recordVersion(registry, release);
  const { gate } = await freeze(registry, release);
  expect(await as("evil").run(registry.records.openGate, { gate, runId: "run" })).toEqual({ kind: "unknown" });
  expect(await as(`gate/${gate}`).run(registry.records.openGate, { gate, runId: "run" })).toMatchObject({ kind: "open" });
  await as(`model/${model}`).run(endRelease, ended);
  expect(await registry.records.readRelease({ release })).toMatchObject({ state: "ended" });
});

test("after a change of keys, decisions signed by the earlier one still verify", () => {
  const keys = () =>
    generateKeyPairSync("ed25519", {
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
  const [earlier, present, stranger] = [keys(), keys(), keys()];
  const { verify } = createCommandVerifier({ publicKeyPem: `${present.publicKey}\n${earlier.publicKey}` });
  const unsigned = {
    id: commandId(),
    principal: "ada",
    groups: [],
    surface: "api" as const,
    at: new Date().toISOString(),
    body: { kind: "pause" as const, model, reason: "x" },
  };
  const by = (privateKey: string) => ({
    ...unsigned,
    signature: sign(null, Buffer.from(commandText(unsigned)), privateKey).toString("base64url"),
  });
  expect([present, earlier, stranger].map((one) => verify(by(one.privateKey)))).toEqual([true, true, false]);
});

test("a key of another kind is refused at start", () => {
  const { publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  expect(() => createCommandVerifier({ publicKeyPem: publicKey })).toThrow(/Ed25519/);
  expect(() => createCommandVerifier({ publicKeyPem: "nothing" })).toThrow(/no public key/);
});
