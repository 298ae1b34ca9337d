/**
 * Policies: which gates a release passes, who may decide, and what may be skipped. Immutable once
 * published; a release is pinned to the version it started with.
 */
export const tiers = ["low", "medium", "high"] as const;
export type Tier = (typeof tiers)[number];

export const maturities = ["initial", "managed", "integrated", "optimized"] as const;
export type Maturity = (typeof maturities)[number];

export interface PolicyGate {
  name: string;
  /** The stage after whose end the gate opens. */
  after: "train" | "evaluate";
  ask: string;
  /** Groups of which one member decides. Several groups mean any of them, until a quorum says otherwise. */
  groups: string[];
  /** Approvals needed. */
  quorum: number;
  deadlineMs: number;
  /** What happens at the deadline. */
  onDeadline: "hold" | "reject" | "approve";
}

export interface Policy {
  id: string;
  version: number;
  title: string;
  tier: Tier;
  gates: PolicyGate[];
  /** Stages that a person may skip when they are blocked. */
  skippable: "monitor"[];
}

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
