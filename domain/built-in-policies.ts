import type { Policy, PolicyGate, Tier } from "./policy.ts";

const dayMs = 24 * 60 * 60 * 1000;

function promotionGate(groups: string[]): PolicyGate {
  return {
    name: "promotion",
    after: "evaluate",
    ask: "May this version become the champion?",
    groups,
    quorum: 1,
    deadlineMs: 7 * dayMs,
    onDeadline: "hold",
  };
}

/** The policies that come with the product, by tier. */
export const builtInPolicies: Record<Tier, Policy> = {
  low: {
    id: "low-tier",
    version: 1,
    title: "Low risk: no person is asked; that is on record.",
    tier: "low",
    gates: [],
    skippable: ["monitor"],
  },
  medium: {
    id: "medium-tier",
    version: 1,
    title: "Medium risk: one member of model-risk decides before promotion.",
    tier: "medium",
    gates: [promotionGate(["model-risk"])],
    skippable: ["monitor"],
  },
  high: {
    id: "high-tier",
    version: 1,
    title: "High risk: one member of model-risk decides before promotion; nothing may be skipped.",
    tier: "high",
    gates: [promotionGate(["model-risk"])],
    skippable: [],
  },
};

/** The policy for a model. Maturity refines it once policies for it are published. */
export function choosePolicy(tier: Tier): Policy {
  return builtInPolicies[tier];
}
