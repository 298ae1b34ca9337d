import { afterEach, beforeEach, expect, test } from "vitest";
import { askSubjectAnew } from "../../activities/gate/ask-subject-anew.ts";
import { lockPolicies, publishPolicy } from "../../db/policies.ts";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import type { PolicyGate } from "../../domain/policy.ts";
import { applyExample, decision, model, waitAtGate } from "./passage.ts";
import { createRegistry, exampleDefinition, type Registry } from "./registry.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
});
afterEach(() => registry.stop());

/** The next version of the policy of the example, changed. */
async function publish(change: (gates: PolicyGate[]) => PolicyGate[], definitionMaxAgeMs?: number): Promise<void> {
  const before = builtInPolicies.find((policy) => policy.id === "medium-managed");
  if (!before?.definitionChange) throw new Error("There is no such policy.");
  const definitionChange = { ...before.definitionChange, ...(definitionMaxAgeMs && { maxAgeMs: definitionMaxAgeMs }) };
  const policy = { ...before, version: 2, gates: change(before.gates), definitionChange };
  await registry.db.transaction().execute(async (trx) => {
    await lockPolicies(trx);
    await publishPolicy(trx, policy, "countersign");
  });
}

test("an approval carries inputs and conditions over also where the last gate of the policy was not needed", async () => {
  await publish(([promotion]) => {
    if (!promotion) throw new Error("The policy asks nobody.");
    const inputs = [{ name: "share", title: "Share of traffic", type: "number" as const, min: 0, max: 1 }];
    return [
      { ...promotion, inputs, conditional: { maxMs: 86_400_000 } },
      { ...promotion, name: "second", when: { triggeredBy: ["schedule"] } },
    ];
  });
  await applyExample(registry);
  const at = await waitAtGate(registry, 1);
  const by = new Date(Date.now() + 3_600_000).toISOString();
  const approval = decision(registry, at, "grace", {
    inputs: { share: 0.2 },
    conditions: [{ finding: "explain the two outliers", by }],
  });
  await registry.records.closeGate({ gate: at.gate, commands: [approval] });
  expect(await registry.records.freezeGate({ release: at.release, gate: "second" })).toHaveProperty("notNeeded");
  await registry.records.approveByPolicy({ release: at.release });

  const [finding] = await registry.db.selectFrom("findings").selectAll().execute();
  expect(finding).toMatchObject({ kind: "condition", title: "explain the two outliers", version_id: at.release });
  const row = await registry.db.selectFrom("approvals").selectAll().executeTakeFirstOrThrow();
  expect(row).toMatchObject({ kind: "policy", inputs: { share: 0.2 }, conditions: [{ finding: finding?.id, by }] });
});

test("a request that is asked anew has all of its times anew, the age of its evidence as well", async () => {
  const maxAgeMs = 3_600_000;
  await publish((gates) => gates, maxAgeMs);
  await applyExample(registry);
  const { split } = await exampleDefinition();
  const asked = await applyExample(registry, { split: { ...split, holdout: 0.1 } });
  const first = asked.ok ? asked.gate?.gate : undefined;
  const requestOf = async (gate: string) =>
    (await registry.db.selectFrom("gates").select("request").where("id", "=", gate).executeTakeFirstOrThrow()).request;
  const before = await requestOf(first ?? "");
  const next = await askSubjectAnew(registry, { gate: first ?? "", why: "Its workflow ended in silence.", taken: true });
  expect(next?.gate).toBe(`${model}.definition.2`);
  const after = await requestOf(next?.gate ?? "");
  for (const name of ["opensAt", "deadline", "expiresAt"] as const)
    expect(String(after[name]) > String(before[name]), name).toBe(true);
  expect(Date.parse(after.expiresAt ?? "")).toBe(Date.parse(after.opensAt) + maxAgeMs);
  expect(after.timeline).toContainEqual(expect.objectContaining({ kind: "max-age", at: after.expiresAt }));
});
