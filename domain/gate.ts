import type { Digest, GateId, PrincipalId, ReleaseId, Timestamp } from "./ids.ts";
import type { Evaluation } from "./evidence.ts";
import type { Due } from "./gate-timeline.ts";
import type { Deciders, EscalationStep, GateInput, GateRule, ParameterBounds } from "./policy.ts";
import type { ReleaseParameters } from "./stage-results.ts";
import type { Stage } from "./stages.ts";

/**
 * The gate: what may be decided and what follows. Pure, so that control (which answers), the
 * workflow (which counts) and closeGate (which makes it final) share it. What an attempt is answered
 * stands in `attempt.ts`, what votes amount to in `quorum.ts`, what falls due in `gate-timeline.ts`.
 *
 *   opening ──openGate──> open ──approve × quorum──> closed/approved
 *                          │ ├──reject──> closed/rejected
 *                          │ ├──request-changes──> closed/changes-requested
 *                          │ ├──subject withdrawn──> closed/withdrawn
 *                          │ ├──deadline, where the policy says reject──> closed/expired
 *                          │ └──stale, too old, or its workflow died──> closed/superseded
 *   closed takes nothing; its resolution is a row that no reset can change.
 */
export const gateStates = ["opening", "open", "closed"] as const;
export type GateState = (typeof gateStates)[number];

export const resolutions = ["approved", "rejected", "changes-requested", "expired", "superseded", "withdrawn"] as const;
export type Resolution = (typeof resolutions)[number];

export const decisionKinds = ["approve", "reject", "request-changes", "escalate"] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/** As sentences name a decision: "Your approval is on record", "you asked for changes". */
export const decisionWords: Record<DecisionKind, { noun: string; did: string }> = {
  approve: { noun: "approval", did: "approved" },
  reject: { noun: "rejection", did: "rejected" },
  "request-changes": { noun: "request for changes", did: "asked for changes" },
  escalate: { noun: "escalation", did: "escalated" },
};

/** Decisions that need a reason of at least a few letters. */
export const reasonRequired: Record<DecisionKind, boolean> = {
  approve: false,
  reject: true,
  "request-changes": true,
  escalate: true,
};

export const receiptKinds = [
  "accepted",
  "pending",
  "duplicate",
  "invalid",
  "not-allowed",
  "self",
  "superseded",
  "already-decided",
  "expired",
  "stale",
  "already-voted",
] as const;
export type ReceiptKind = (typeof receiptKinds)[number];

/** The HTTP form of each receipt; a refusal is never a 2xx. */
export const receiptStatus: Record<ReceiptKind, number> = {
  accepted: 200,
  duplicate: 200,
  pending: 202,
  invalid: 422,
  "not-allowed": 403,
  self: 403,
  superseded: 409,
  "already-decided": 409,
  expired: 409,
  stale: 409,
  "already-voted": 409,
};

/** Values that the closing approval set, complete with the defaults. */
export type DecisionInputs = Record<string, string | number | boolean>;

/** What an approval on condition hangs on: the finding's id, and by when it is to be closed. */
export interface ApprovalCondition {
  finding: string;
  by: Timestamp;
}

/** What a resolution carries, for whoever asked. */
export interface GateOutcome {
  by: PrincipalId | null;
  at: Timestamp;
  reason: string | null;
  inputs: DecisionInputs;
  conditions: ApprovalCondition[];
}

export interface Exclusion {
  principal: PrincipalId;
  /** A sentence that completes "…, who …". */
  why: string;
}

/** What one gate asks, frozen when it opens. `digest` is the SHA-256 over the canonical JSON of all the rest. */
export interface GateRequest {
  gate: GateId;
  subject: { kind: string; id: string; digest: Digest };
  ask: string;
  why: string;
  evidence: GateEvidence;
  policy: { id: string; version: number; digest: Digest };
  deciders: Deciders;
  excluded: Exclusion[];
  opensAt: Timestamp;
  deadline: Timestamp;
  onDeadline: GateRule["onDeadline"];
  /** From here on a request of an earlier version of the product says nothing. */
  /** Reminders, escalations, deadline and age, in order. */
  timeline?: Due[];
  escalation?: EscalationStep[];
  /** After it no decision is taken: the evidence is renewed. */
  expiresAt?: Timestamp | null;
  inputs?: GateInput[];
  /** Approval on condition: findings closed at the latest so long after the approval. */
  conditional?: { maxMs: number } | null;
  /** The team that owns the subject; its members may escalate. */
  ownerTeam?: string | null;
  /** What makes it stale while it waits; both where it says nothing. */
  freshness?: { champion: boolean; drift: boolean };
  /** Parameters that a reviewer may ask for and stay eligible. */
  changes?: ParameterBounds;
  /** What differs from the request before: of this gate, or of the release whose reviewers asked for changes. */
  changed?: { gate: GateId; changes: string[] } | null;
}

export interface GateEvidence {
  recommendation: { verdict: Evaluation["verdict"]; sentence: string };
  evaluation: Digest | null;
  evaluationBody: Evaluation | null;
  stages: { stage: Stage; summary: string }[];
  lineage: { name: string; digest: Digest }[];
  tier: string;
  tierReason: string;
  champion: string | null;
  rollbackTarget: string | null;
  trainingMs: number | null;
  trigger: string;
  requestedBy: PrincipalId;
  reason: string;
  parent: ReleaseId | null;
  parentRequest: string | null;
  parameters: ReleaseParameters;
  previousDecisions: {
    gate: GateId;
    resolution: Resolution;
    by: PrincipalId | null;
    at: Timestamp;
    outcome: string | null;
  }[];
  /** Open findings of the model: what somebody must answer. */
  findings?: { id: string; kind: string; title: string; since: Timestamp }[];
  /** For a subject that is no version: what it says, in sections. */
  details?: { title: string; text: string }[];
}

/**
 * What happens to a gate, as a table: from which states, where it leads, and what follows from it.
 * `gate` is what the workflow and the transactions do; tests, pages and docs derive from it.
 */
export const gateEvents = {
  opened: { from: ["opening"], to: "open", resolution: null, effects: ["tells", "starts timers"] },
  "quorum-short": { from: ["open"], to: "open", resolution: null, effects: ["keeps the vote"] },
  "quorum-met": { from: ["open"], to: "closed", resolution: "approved", effects: ["carries out what was asked"] },
  rejected: { from: ["open"], to: "closed", resolution: "rejected", effects: [] },
  "changes-requested": { from: ["open"], to: "closed", resolution: "changes-requested", effects: ["starts a successor"] },
  "decision-withdrawn": { from: ["open"], to: "open", resolution: null, effects: ["frees the place"] },
  escalated: { from: ["open"], to: "open", resolution: null, effects: ["adds the next group", "tells"] },
  reminded: { from: ["open"], to: "open", resolution: null, effects: ["tells"] },
  "deadline-hold": { from: ["open"], to: "open", resolution: null, effects: ["marks overdue", "tells"] },
  "deadline-reject": { from: ["open"], to: "closed", resolution: "expired", effects: [] },
  "deadline-approve": { from: ["open"], to: "closed", resolution: "approved", effects: ["carries out what was asked"] },
  outdated: { from: ["opening", "open"], to: "closed", resolution: "superseded", effects: ["is asked anew"] },
  "subject-withdrawn": { from: ["opening", "open"], to: "closed", resolution: "withdrawn", effects: [] },
} as const satisfies Record<
  string,
  { from: readonly GateState[]; to: GateState; resolution: Resolution | null; effects: readonly string[] }
>;
export type GateEvent = keyof typeof gateEvents;
