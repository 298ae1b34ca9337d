import { afterEach, beforeEach, expect, test } from "vitest";
import { lookAtApprovals } from "../../activities/watch/overdue-approvals.ts";
import { lockPolicies, publishPolicy } from "../../db/policies.ts";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import type { Policy } from "../../domain/policy.ts";
import { applyExample, model, promote } from "../records/passage.ts";
import { auditKinds, createRegistry, type Registry } from "../records/registry.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
});
afterEach(() => registry.stop());

/** The next version of the policy of the example, with an age that every approval has passed a moment later. */
async function publish(version: number, revalidation: Policy["revalidation"]): Promise<void> {
  const before = builtInPolicies.find((policy) => policy.id === "medium-managed");
  if (!before) throw new Error("There is no such policy.");
  await registry.db.transaction().execute(async (trx) => {
    await lockPolicies(trx);
    await publishPolicy(trx, { ...before, version, ...(revalidation && { revalidation }) }, "countersign");
  });
}

const champion = async () =>
  (await registry.db.selectFrom("slots").select("champion_version").executeTakeFirstOrThrow()).champion_version;
const findings = () => registry.db.selectFrom("findings").selectAll().execute();
const look = () => lookAtApprovals(registry);

test("a champion older than its policy allows opens one finding, however often it is looked at", async () => {
  await publish(2, { everyMs: 1, onOverdue: "finding" });
  await applyExample(registry);
  const release = await promote(registry, 1);
  const overdue = await look();
  expect(overdue).toHaveLength(1);
  expect(await look()).toEqual([]);
  expect(await findings()).toMatchObject([
    {
      model,
      kind: "revalidation",
      version_id: release,
      closed_at: null,
      title: expect.stringContaining("medium-managed 2 wants a champion approved anew every 1 ms"),
    },
  ]);
  expect(await champion()).toBe(release);
});

test("where the policy says so the approval is revoked, and the champion before comes back", async () => {
  await applyExample(registry);
  const first = await promote(registry, 1);
  await publish(2, { everyMs: 1, onOverdue: "revoke" });
  const second = await promote(registry, 2);
  expect(await champion()).toBe(second);
  // The first was approved under a policy without an age: the stricter one in force takes nothing of it.
  expect(await look()).toHaveLength(1);
  expect(await champion()).toBe(first);
  const row = await registry.db.selectFrom("approvals").selectAll().where("version_id", "=", second).executeTakeFirstOrThrow();
  expect(row).toMatchObject({ revoked_at: expect.any(Date), revoked_why: expect.stringContaining("medium-managed 2") });
  expect(await look()).toHaveLength(1);
  expect(await champion()).toBe(first);
  expect(await findings()).toMatchObject([{ kind: "revalidation", version_id: first }]);
  expect(await auditKinds(registry.db, first)).toContain("deployment.rolled-back");
});

test("nothing happens before the time, and nothing to a model that was retired", async () => {
  await publish(2, { everyMs: 86_400_000, onOverdue: "revoke" });
  await applyExample(registry);
  await promote(registry, 1);
  expect(await look()).toEqual([]);
  await publish(3, { everyMs: 1, onOverdue: "finding" });
  await registry.db.updateTable("models").set({ state: "retired" }).execute();
  expect(await look()).toEqual([]);
});
