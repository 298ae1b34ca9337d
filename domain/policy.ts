import type { Condition } from "./conditions.ts";
import type { PrincipalId } from "./ids.ts";

/**
 * Policies: which gates a release passes, who may decide, and what may be skipped. Immutable once
 * published; a release is pinned to the version it started with. What is optional here is what
 * policies published by earlier versions of the product do not say; `policy-schema.ts` fills in the
 * defaults of a new one. All durations are milliseconds.
 */
export const tiers = ["low", "medium", "high"] as const;
export type Tier = (typeof tiers)[number];

export const maturities = ["initial", "managed", "integrated", "optimized"] as const;
export type Maturity = (typeof maturities)[number];

/** Stands in a policy for the owner team of the model, which a frozen request names. */
export const ownerTeam = "$owner";

/** Stages after which a release may be asked about. Before `train` there is no version: the subject is the data. */
export const gateStages = ["ingest", "validate", "featurize", "train", "evaluate"] as const;
export type GateStage = (typeof gateStages)[number];

/** Who decides. Frozen into each request, with `$owner` resolved. */
export interface Deciders {
  /** Any member of these decides. */
  groups: string[];
  /** Approvals needed in all, each by another person. */
  quorum: number;
  /** Named people who decide besides. */
  people?: PrincipalId[];
  /** Of each of these groups one approval at least; a person of several groups fills one place. */
  oneFromEach?: string[];
  /** Who may not, besides those who contributed. */
  barred?: { groups: string[]; people: PrincipalId[] };
  /** Machines decide as people do. Lowest tier only. */
  machines?: boolean;
  /** Rejections that close the gate; 1 when it says nothing. */
  rejections?: number;
}

/** A value that an approver sets, such as the share of a canary. */
export type GateInput = { name: string; title: string; required?: boolean } & (
  | { type: "number" | "integer"; min: number; max: number; default?: number }
  | { type: "choice"; options: string[]; default?: string }
  | { type: "text"; maxLength: number; default?: string }
  | { type: "boolean"; default?: boolean }
);

/** The next group in the chain: from then on its members decide as well. */
export interface EscalationStep {
  groups: string[];
  /** After opening. */
  afterMs: number;
}

/** What reviewers may ask for and stay eligible for the next request: a number within bounds, or one of a list. */
export type ParameterBounds = Record<string, { min: number; max: number } | { oneOf: (string | number | boolean)[] }>;

/** Everything that a gate of any subject needs. */
export interface GateRule extends Deciders {
  name: string;
  ask: string;
  deadlineMs: number;
  /** What happens at the deadline: the gate stays open and overdue (`hold`), is closed as expired, or approves (lowest tier only). */
  onDeadline: "hold" | "reject" | "approve";
  /** Reminders, as fractions of the deadline; a half and four fifths when it says nothing. */
  remindAt?: number[];
  escalation?: EscalationStep[];
  /** From opening; after it the evidence is renewed: a new request supersedes this one. */
  maxAgeMs?: number;
  inputs?: GateInput[];
  /** Approval on condition: findings closed by a date at most so far away. Absent: not allowed. */
  conditional?: { maxMs: number };
}

/** A gate of a release. */
export interface PolicyGate extends GateRule {
  /** The stage after whose end the gate opens. */
  after: GateStage;
  /** Needed only where this applies; absent: always. */
  when?: Condition;
  /** What makes the waiting request stale, besides its age; all when it says nothing. */
  freshness?: { champion: boolean; drift: boolean };
  /** Parameters that a reviewer may ask for and still decide on the next request. Names as in `seed`, `months`, `train.l2`. */
  changes?: ParameterBounds;
}

export interface Policy {
  id: string;
  version: number;
  title: string;
  tier: Tier;
  /** For which maturities; all when it says nothing. */
  maturities?: Maturity[];
  /** Only for models of these owner teams; all when it says nothing. */
  teams?: string[];
  /** The group whose members propose its next version, and who are told when it cannot be met. */
  owner?: string;
  gates: PolicyGate[];
  /** Stages that a person may skip when they are blocked. */
  skippable: "monitor"[];
  /** The gate that a new version of this policy, or one that takes its place, passes first. */
  change?: GateRule;
  /** The gate that a loosened definition passes first. */
  definitionChange?: GateRule;
  retirement?: GateRule;
  /** The review that a promotion by break-glass opens. */
  breakGlass?: GateRule;
  /** Gates for other people's workflows, by name. */
  external?: GateRule[];
  /** A champion is to be approved anew by then; what happens when it was not. */
  revalidation?: { everyMs: number; onOverdue: "finding" | "revoke" };
}
