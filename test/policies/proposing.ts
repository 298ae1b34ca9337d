import { expect } from "vitest";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import { authoredPolicy } from "../../domain/policy-form.ts";
import type { AuthoredPolicy } from "../../domain/policy-schema.ts";
import { decide } from "../world/models.ts";
import { until } from "../world/until.ts";
import type { World } from "../world/world.ts";

/** A built-in policy as one writes it, without its version. */
export function authored(id: string): AuthoredPolicy {
  const policy = builtInPolicies.find((one) => one.id === id);
  if (!policy) throw new Error(`There is no built-in policy ${id}.`);
  const { version: _, ...document } = authoredPolicy(policy);
  return document;
}

export function openGate(world: World, id: string): Promise<GateView> {
  return until(`gate ${id} is open`, async () => {
    const { status, body } = await world.as("grace").get<GateView>(`/api/gates/${id}`);
    return status === 200 && body.state === "open" && body;
  });
}

export async function approve(world: World, as: string, gate: string): Promise<void> {
  const answer = await decide(world.as(as), await openGate(world, gate), { decision: "approve" });
  expect(answer.body).toMatchObject({ receipt: "accepted" });
}
