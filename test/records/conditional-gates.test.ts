import { afterEach, beforeEach, expect, test } from "vitest";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import type { Condition } from "../../domain/conditions.ts";
import { putPromotionGate } from "../world/put-policy.ts";
import { applyExample, decision, freeze, makeVersion, model, requestRelease } from "./passage.ts";
import { createRegistry, type Registry } from "./registry.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
});
afterEach(() => registry.stop());

async function withCondition(when: Condition): Promise<void> {
  await putPromotionGate(registry.db, { when });
  await applyExample(registry);
}

/** The same through the gate of policies, so that signatures prove that it was published. */
async function publishCondition(when: Condition): Promise<void> {
  const builtIn = builtInPolicies.find(({ id }) => id === "medium-managed")!;
  const policy = { ...builtIn, version: 2, gates: builtIn.gates.map((gate) => ({ ...gate, when })) };
  const digest = await registry.store.putJson(policy);
  const proposal = registry.sign("grace", { kind: "propose-policy", policy: policy.id, version: 2, digest });
  const proposed = await registry.records.proposePolicy(proposal);
  if (!proposed.ok || proposed.gate === null) throw new Error(`No gate: ${JSON.stringify(proposed)}`);
  const { gate } = proposed.gate;
  await registry.records.openGate({ gate, runId: "run" });
  const commands = ["george"].map((by) => decision(registry, { release: "", ...proposed.gate! }, by));
  expect(await registry.records.closeGate({ gate, commands })).toMatchObject({ resolution: "approved" });
  await applyExample(registry);
}

/** A row that says of the gate that nobody need be asked, as an activity executed by hand once left it. */
async function findUnnecessary(release: string): Promise<void> {
  const { policy_id, policy_version } = await registry.db
    .selectFrom("releases")
    .select(["policy_id", "policy_version"])
    .where("id", "=", release)
    .executeTakeFirstOrThrow();
  const facts = JSON.stringify({ metrics: [], verdict: null, champion: null });
  const row = { release_id: release, name: "promotion", why: "The release was not evaluated.", facts, policy_id, policy_version };
  await registry.db.insertInto("gates_not_needed").values(row).execute();
}

const findDrift = () =>
  registry.db
    .insertInto("findings")
    .values({ id: "fnd_drift", model, kind: "drift", title: "It drifts.", opened_by: "countersign" })
    .execute();

test("a gate that was found unnecessary before its facts counts as missing by the final ones", async () => {
  await withCondition({ firstRelease: true });
  const release = await makeVersion(registry, 1);
  await findUnnecessary(release);
  await expect(registry.records.approveByPolicy({ release })).rejects.toMatchObject({ type: "not-allowed" });
  const { gate, digest } = await freeze(registry, release);
  await registry.records.openGate({ gate, runId: "run" });
  const approval = decision(registry, { release, gate, digest }, "grace");
  expect(await registry.records.closeGate({ gate, commands: [approval] })).toMatchObject({ resolution: "approved" });
  expect(await registry.records.deploy({ release })).toMatchObject({ version: release });
});

test("what is opened after an approval takes nothing back: a champion stays deployable and can be rolled back to", async () => {
  await publishCondition({ driftOpen: true });
  for (const number of [1, 2]) {
    const release = await makeVersion(registry, number);
    expect(await registry.records.freezeGate({ release, gate: "promotion" })).toHaveProperty("notNeeded");
    await registry.records.approveByPolicy({ release });
    // Between the approval and the move.
    if (number === 2) await findDrift();
    await registry.records.deploy({ release });
    await registry.records.endRelease({ release, outcome: "promoted", next: null, summary: "It serves." });
  }
  const back = registry.sign("olga", { kind: "rollback", model, environment: "production", to: null, reason: "it drifts" });
  expect(await registry.records.rollBack(back)).toMatchObject({ ok: true });
});

test("drift that is found while the release is made calls for the gate that was found unnecessary", async () => {
  await withCondition({ driftOpen: true });
  const release = await makeVersion(registry, 1);
  expect(await registry.records.freezeGate({ release, gate: "promotion" })).toHaveProperty("notNeeded");
  await findDrift();
  await expect(registry.records.approveByPolicy({ release })).rejects.toMatchObject({ type: "not-allowed" });
  expect(await registry.records.freezeGate({ release, gate: "promotion" })).toHaveProperty("gate");
});

test("an approval that stands on an unnecessary gate is verified by the facts, not by the row", async () => {
  await withCondition({ triggeredBy: ["cli"] });
  const release = await makeVersion(registry, 1);
  await findUnnecessary(release);
  const { digest, policy_id, policy_version } = await registry.db
    .selectFrom("versions")
    .innerJoin("releases", "releases.id", "versions.release_id")
    .select(["versions.digest", "releases.policy_id", "releases.policy_version"])
    .where("versions.id", "=", release)
    .executeTakeFirstOrThrow();
  const about = { version_id: release, version_digest: digest, environment: "production", policy_id, policy_version };
  await registry.db
    .insertInto("approvals")
    .values({ id: "apr_forged", kind: "policy", ...about })
    .execute();
  await expect(registry.records.deploy({ release })).rejects.toMatchObject({ type: "never-approved" });
});

test("a gate does not come up before its stage is done, nor does a policy approve without an evaluation", async () => {
  await applyExample(registry);
  const { release } = await requestRelease(registry, 1);
  await registry.records.startRelease({ release, runId: "run" });
  await expect(registry.records.freezeGate({ release, gate: "promotion" })).rejects.toMatchObject({ type: "not-active" });
});
