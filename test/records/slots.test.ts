import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Digest } from "../../domain/ids.ts";
import { applyExample, decision, makeVersion, model, promote, waitAtGate, type OpenGate } from "./passage.ts";
import { auditKinds, createRegistry, twice, type Registry } from "./registry.ts";

let registry: Registry;

beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
});

afterEach(() => registry.stop());

const slot = () => registry.db.selectFrom("slots").selectAll().executeTakeFirstOrThrow();

async function approved(number: number): Promise<OpenGate> {
  const at = await waitAtGate(registry, number);
  await registry.records.closeGate({ gate: at.gate, commands: [decision(registry, at, "grace")] });
  return at;
}

async function manifestOf(version: string) {
  const row = await registry.db.selectFrom("versions").selectAll().where("id", "=", version).executeTakeFirstOrThrow();
  return { digest: row.digest, ...row.manifest };
}

/** Other bytes under the digest, as a broken disk or somebody with access to the files leaves them. */
async function swap(digest: Digest): Promise<void> {
  const path = await registry.store.pathOf(digest);
  const bytes = await readFile(path);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

/** As a superuser who switches the constraints off: what deploy must notice all the same. */
async function bypassing(statement: string): Promise<void> {
  await registry.adminDb.connection().execute(async (connection) => {
    await sql`SET session_replication_role = replica`.execute(connection);
    await sql.raw(statement).execute(connection);
    await sql`SET session_replication_role = DEFAULT`.execute(connection);
  });
}

function rollback(by: string, to: string | null = null) {
  return registry.sign(by, { kind: "rollback", model, environment: "production", to, reason: "complaints" });
}

test("an approved version becomes the champion, once, whatever runs again", async () => {
  const { release } = await approved(1);
  const deployed = await twice(registry.db, () => registry.records.deploy({ release }));
  expect(deployed).toEqual({
    summary: "flight-delays.1 is the champion of production (epoch 1), the first one.",
    epoch: 1,
    environment: "production",
    version: release,
  });
  expect(await slot()).toMatchObject({ champion_version: release, epoch: 1 });
  const row = await registry.db.selectFrom("deployments").selectAll().executeTakeFirstOrThrow();
  expect(row).toMatchObject({
    id: `dep_${release}`,
    kind: "promote",
    previous: null,
    share: 1,
    by: "grace",
    reason: `Approved by grace at ${release}.promotion.1.`,
  });
  expect(await auditKinds(registry.db, release)).toContain("deployment.promoted");
});

test("five deployments of one release at once move the slot once", async () => {
  const { release } = await approved(1);
  const answers = await Promise.all(Array.from({ length: 5 }, () => registry.records.deploy({ release })));
  expect(new Set(answers.map((answer) => answer.epoch))).toEqual(new Set([1]));
  expect((await slot()).epoch).toBe(1);
});

test("a late deployment of a release that was rolled back meanwhile does not bring it back", async () => {
  await promote(registry, 1);
  const second = await promote(registry, 2);
  expect(await registry.records.rollBack(rollback("olga"))).toMatchObject({ ok: true, epoch: 3 });
  expect(await registry.records.deploy({ release: second })).toMatchObject({ epoch: 2 });
  expect(await slot()).toMatchObject({ champion_version: `${model}.1`, epoch: 3 });
});

test.each([
  ["the model's bytes", (version: Awaited<ReturnType<typeof manifestOf>>) => version.onnx],
  ["the feature spec", (version: Awaited<ReturnType<typeof manifestOf>>) => version.features],
  ["the manifest", (version: Awaited<ReturnType<typeof manifestOf>>) => version.digest],
])("%s swapped after the approval: nothing is deployed, and that is on record once", async (_, part) => {
  const { release } = await approved(1);
  await swap(part(await manifestOf(release)));
  const run = () => registry.records.deploy({ release }).catch((error: unknown) => String(error));
  await expect(registry.records.deploy({ release })).rejects.toMatchObject({ type: "digest-mismatch", nonRetryable: true });
  await twice(registry.db, run);
  expect(await slot()).toMatchObject({ champion_version: null, epoch: 0 });
  expect((await auditKinds(registry.db, release)).filter((kind) => kind === "deployment.refused")).toHaveLength(1);
});

test("a lookup table that is gone: nothing is deployed", async () => {
  const { release } = await approved(1);
  const spec = await registry.store.getJson<{ lookups: { planes: { table: Digest } } }>((await manifestOf(release)).features);
  await rm(await registry.store.pathOf(spec.lookups.planes.table));
  await expect(registry.records.deploy({ release })).rejects.toMatchObject({
    type: "digest-mismatch",
    message: expect.stringContaining("planes"),
  });
});

test("a version that no gate approved is not deployed", async () => {
  const { release } = await waitAtGate(registry, 1);
  await expect(registry.records.deploy({ release })).rejects.toMatchObject({ type: "never-approved", nonRetryable: true });
});

test.each([
  ["the token of the decision", "UPDATE decisions SET token = repeat('A', 86)", "not-signed"],
  ["who decided", "UPDATE decisions SET principal_id = 'ada'", "not-signed"],
  ["the frozen request", `UPDATE gates SET request = jsonb_set(request, '{deciders,quorum}', '0')`, "not-signed"],
  ["the version's manifest", `UPDATE versions SET manifest = jsonb_set(manifest, '{threshold}', '0.9')`, "digest-mismatch"],
  [
    "the policy to one without gates",
    `UPDATE policies SET body = jsonb_set(body, '{gates}', '[]') WHERE id = 'medium-managed'`,
    "not-signed",
  ],
  ["the release to a policy without gates", "UPDATE releases SET policy_id = 'low-managed'", "not-signed"],
  ["the approval to revoked", "UPDATE approvals SET revoked_at = now()", "approval-revoked"],
])("somebody with the database changes %s: nothing is deployed", async (_, statement, code) => {
  const { release } = await approved(1);
  await bypassing(statement);
  await expect(registry.records.deploy({ release })).rejects.toMatchObject({ type: code, nonRetryable: true });
  expect(await slot()).toMatchObject({ champion_version: null });
});

test("an approval written by hand, without a decision behind it, deploys nothing", async () => {
  const at = await waitAtGate(registry, 1);
  await registry.db
    .updateTable("gates")
    .set({ state: "closed", resolution: "approved", closed_at: new Date() })
    .where("id", "=", at.gate)
    .execute();
  const { digest } = await manifestOf(at.release);
  await registry.db
    .insertInto("approvals")
    .values({
      id: "apr_forged",
      version_id: at.release,
      version_digest: digest,
      environment: "production",
      kind: "gate",
      gate_id: at.gate,
      gate_resolution: "approved",
      policy_id: "medium-managed",
      policy_version: 1,
    })
    .execute();
  await expect(registry.records.deploy({ release: at.release })).rejects.toMatchObject({ type: "not-signed" });
});

test("a release that ended is not deployed", async () => {
  const { release } = await approved(1);
  await registry.records.endRelease({ release, outcome: "withdrawn", next: null, summary: "" });
  await expect(registry.records.deploy({ release })).rejects.toMatchObject({ type: "not-active" });
});

test("where the policy asks nobody, the policy approves, on record", async () => {
  // A lower tier passes a gate of the present policy first.
  const applied = await applyExample(registry, { tier: "low" });
  if (!applied.ok || !applied.gate) throw new Error(`There is no gate: ${JSON.stringify(applied)}`);
  await registry.records.openGate({ gate: applied.gate.gate, runId: "run-of-the-gate" });
  await registry.records.closeGate({
    gate: applied.gate.gate,
    commands: [decision(registry, { ...applied.gate, release: "" }, "grace")],
  });
  const release = await makeVersion(registry, 1);
  await twice(registry.db, () => registry.records.approveByPolicy({ release }));
  const row = await registry.db.selectFrom("approvals").selectAll().executeTakeFirstOrThrow();
  expect(row).toMatchObject({ kind: "policy", gate_id: null, policy_id: "low-managed" });
  expect(await registry.records.deploy({ release })).toMatchObject({ epoch: 1 });
  expect(await registry.db.selectFrom("deployments").select(["by", "reason"]).executeTakeFirst()).toEqual({
    by: "countersign",
    reason: "The policy low-managed 1 asks for no gate.",
  });
});

test("a policy that asks people approves nothing by itself", async () => {
  const release = await makeVersion(registry, 1);
  await expect(registry.records.approveByPolicy({ release })).rejects.toMatchObject({ type: "not-allowed", nonRetryable: true });
});

test("a champion can be read with the digests that an evaluation needs", async () => {
  expect(await registry.records.readChampion({ model, environment: "production" })).toBeNull();
  const release = await promote(registry, 1);
  const { onnx, features } = await manifestOf(release);
  expect(await registry.records.readChampion({ model, environment: "production" })).toEqual({ version: release, onnx, features });
});

test("a rollback goes to the champion before, once a command, and tells its epoch", async () => {
  await promote(registry, 1);
  await promote(registry, 2);
  const command = rollback("olga");
  expect(await twice(registry.db, () => registry.records.rollBack(command))).toEqual({ ok: true, epoch: 3 });
  expect(await slot()).toMatchObject({ champion_version: `${model}.1`, epoch: 3 });
  const result = await registry.db
    .selectFrom("command_results")
    .select("result")
    .where("command_id", "=", command.id)
    .executeTakeFirstOrThrow();
  expect(result.result).toEqual({
    deployment: { id: expect.stringMatching(/^dep_/), environment: "production", version: `${model}.1`, epoch: 3 },
  });
});

test("two rollbacks in a row go two steps back, and the third has nowhere to go", async () => {
  for (const number of [1, 2, 3]) await promote(registry, number);
  expect(await registry.records.rollBack(rollback("olga"))).toMatchObject({ ok: true });
  expect(await registry.records.rollBack(rollback("olga"))).toMatchObject({ ok: true });
  expect(await slot()).toMatchObject({ champion_version: `${model}.1` });
  expect(await registry.records.rollBack(rollback("olga"))).toMatchObject({ ok: false, code: "nothing-to-roll-back-to" });
});

test("a rollback without a name steps over a version whose approval was revoked", async () => {
  for (const number of [1, 2, 3]) await promote(registry, number);
  await registry.db.updateTable("approvals").set({ revoked_at: new Date() }).where("version_id", "=", `${model}.2`).execute();
  expect(await registry.records.rollBack(rollback("olga"))).toMatchObject({ ok: true });
  expect(await slot()).toMatchObject({ champion_version: `${model}.1` });
});

test("each reason why a slot cannot be rolled back has its own code", async () => {
  const refusedOnce = async (to: string | null, by = "olga") => {
    const command = rollback(by, to);
    const answer = await twice(registry.db, () => registry.records.rollBack(command));
    return answer.ok ? "ok" : answer.code;
  };
  expect(await refusedOnce(null)).toBe("no-champion");
  await promote(registry, 1);
  expect(await refusedOnce(null)).toBe("nothing-to-roll-back-to");
  expect(await refusedOnce(`${model}.1`)).toBe("already-champion");
  expect(await refusedOnce(`${model}.9`)).toBe("not-found");
  await waitAtGate(registry, 2);
  expect(await refusedOnce(`${model}.2`)).toBe("never-approved");
  expect(await refusedOnce(null, "grace")).toBe("forbidden");
});

test("a named version whose approval was revoked, or whose bytes are gone, is not rolled back to", async () => {
  const [first, second] = [await promote(registry, 1), await promote(registry, 2)];
  const path = await registry.store.pathOf((await manifestOf(first)).onnx);
  await rm(path);
  expect(await registry.records.rollBack(rollback("olga", first))).toMatchObject({ ok: false, code: "artifact-corrupt" });
  await registry.db.updateTable("approvals").set({ revoked_at: new Date() }).where("version_id", "=", first).execute();
  expect(await registry.records.rollBack(rollback("olga", first))).toMatchObject({ ok: false, code: "approval-revoked" });
  expect(await slot()).toMatchObject({ champion_version: second, epoch: 2 });
});

test("rollbacks and a deployment at once each raise the epoch by one, and none is lost", async () => {
  for (const number of [1, 2]) await promote(registry, number);
  const { release } = await approved(3);
  const [deployed, ...answers] = await Promise.all([
    registry.records.deploy({ release }),
    registry.records.rollBack(rollback("olga", `${model}.1`)),
    registry.records.rollBack(rollback("ada", `${model}.1`)),
  ]);
  expect(deployed.version).toBe(release);
  const moved = 1 + answers.filter((answer) => answer.ok).length;
  const epochs = await registry.db.selectFrom("deployments").select("epoch").orderBy("epoch").execute();
  expect(epochs.map((row) => row.epoch)).toEqual(Array.from({ length: 2 + moved }, (_, i) => i + 1));
  expect((await slot()).epoch).toBe(2 + moved);
});

test("a forged rollback moves nothing", async () => {
  for (const number of [1, 2]) await promote(registry, number);
  const command = { ...rollback("olga"), principal: "ada" };
  expect(await registry.records.rollBack(command)).toMatchObject({ ok: false, code: "not-signed" });
  expect(await slot()).toMatchObject({ champion_version: `${model}.2` });
});
