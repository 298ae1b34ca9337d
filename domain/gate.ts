import type { Digest, GateId, PrincipalId, ReleaseId, Timestamp } from "./ids.ts";
import type { Evaluation } from "./evidence.ts";
import type { Policy } from "./policy.ts";
import type { ReleaseParameters } from "./stage-results.ts";
import type { Stage } from "./stages.ts";

/**
 * The gate: what may be decided, what each attempt is answered, and what follows. Pure, so that
 * control (which answers), the workflow (which counts) and closeGate (which makes it final) share it.
 *
 *   opening ──openGate──> open ──approve × quorum──> closed/approved
 *                          │ ├──reject──> closed/rejected
 *                          │ ├──request-changes──> closed/changes-requested
 *                          │ └──release withdrawn──> closed/withdrawn
 *   closed takes nothing; its resolution is a row that no reset can change.
 */
export const gateStates = ["opening", "open", "closed"] as const;
export type GateState = (typeof gateStates)[number];

export const resolutions = ["approved", "rejected", "changes-requested", "expired", "superseded", "withdrawn"] as const;
export type Resolution = (typeof resolutions)[number];

export const decisionKinds = ["approve", "reject", "request-changes", "escalate"] as const;
export type DecisionKind = (typeof decisionKinds)[number];

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
  deciders: { groups: string[]; quorum: number };
  excluded: Exclusion[];
  opensAt: Timestamp;
  deadline: Timestamp;
  onDeadline: Policy["gates"][number]["onDeadline"];
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
}

/** A decision as the workflow and the rules see it. */
export interface Vote {
  command: string;
  principal: PrincipalId;
  decision: DecisionKind;
  at: Timestamp;
}

/** The facts that settle an attempt, as read from the database at one moment. */
export interface AttemptFacts {
  principal: { id: PrincipalId; kind: "person" | "machine"; groups: string[] };
  /** Groups the principal belonged to when the gate opened and still does. */
  heldSinceOpening: string[];
  gate: { id: GateId; state: GateState; resolution: Resolution | null; digest: Digest };
  deciderGroups: string[];
  excluded: Exclusion[];
  /** Digests of earlier requests of the same gate of the same release. */
  earlierDigests: Digest[];
  supersededBy: GateId | null;
  closedBy: { by: PrincipalId | null; at: Timestamp; how: DecisionKind | null } | null;
  ownVote: { decision: DecisionKind } | null;
  asked: { decision: DecisionKind; digest: Digest };
}

export type Refusal = { receipt: Exclude<ReceiptKind, "accepted" | "pending">; message: string };

/**
 * What an attempt is answered that can be settled without the workflow, in the order of the
 * published table: the first that applies. Null means: ask the workflow.
 */
export function refuseAttempt(facts: AttemptFacts): Refusal | null {
  const { principal, gate, asked } = facts;
  const groups = facts.deciderGroups.join(" or ");
  if (principal.kind === "machine") {
    return {
      receipt: "not-allowed",
      message: `${principal.id} is a machine; this gate is decided by people in ${groups}.`,
    };
  }
  const belongs = facts.deciderGroups.some((group) => principal.groups.includes(group));
  if (!belongs)
    return {
      receipt: "not-allowed",
      message: `Only members of ${groups} decide on this gate; ${principal.id} is in ${principal.groups.join(", ") || "no group"}.`,
    };
  if (!facts.deciderGroups.some((group) => facts.heldSinceOpening.includes(group))) {
    return {
      receipt: "not-allowed",
      message: `${principal.id} joined ${groups} after this gate opened; only those who were members then decide on it.`,
    };
  }
  const exclusion = facts.excluded.find((one) => one.principal === principal.id);
  if (exclusion)
    return {
      receipt: "self",
      message: `${principal.id} ${exclusion.why}, so somebody else in ${groups} must decide.`,
    };
  if (facts.supersededBy !== null || facts.earlierDigests.includes(asked.digest)) {
    return {
      receipt: "superseded",
      message: `This request was replaced by ${facts.supersededBy ?? gate.id}; read that one and decide there.`,
    };
  }
  if (gate.state === "closed") return closedAnswer(facts);
  if (asked.digest !== gate.digest)
    return {
      receipt: "stale",
      message: `The digest is not the one of ${gate.id}; what you saw is not what is asked now. Read the gate again.`,
    };
  if (facts.ownVote && asked.decision !== "escalate") {
    return facts.ownVote.decision === asked.decision
      ? {
          receipt: "duplicate",
          message: `Your ${asked.decision} is on record already; nothing more to do.`,
        }
      : {
          receipt: "already-voted",
          message: `You decided ${facts.ownVote.decision}; withdraw that first to decide otherwise.`,
        };
  }
  return null;
}

function closedAnswer(facts: AttemptFacts): Refusal {
  const { gate, closedBy } = facts;
  if (gate.resolution === "expired")
    return {
      receipt: "expired",
      message: `The deadline of ${gate.id} passed${closedBy ? ` at ${closedBy.at}` : ""}; nothing was decided.`,
    };
  const who = closedBy?.by ? ` by ${closedBy.by}` : "";
  const when = closedBy ? ` at ${closedBy.at}` : "";
  return {
    receipt: "already-decided",
    message: `This gate was closed as ${gate.resolution ?? "closed"}${who}${when}; your decision came after that and changes nothing.`,
  };
}

/** What the votes so far amount to. One rejection closes; one person counts once. */
export function resolve(
  votes: Vote[],
  rule: { quorum: number },
): { resolution: Resolution | null; by: Vote | null; missing: number } {
  const approvers = new Set<PrincipalId>();
  for (const vote of votes) {
    if (vote.decision === "reject") return { resolution: "rejected", by: vote, missing: 0 };
    if (vote.decision === "request-changes") return { resolution: "changes-requested", by: vote, missing: 0 };
    if (vote.decision === "approve") approvers.add(vote.principal);
    if (approvers.size >= rule.quorum) return { resolution: "approved", by: vote, missing: 0 };
  }
  return { resolution: null, by: null, missing: rule.quorum - approvers.size };
}

/** What is missing, in words for a receipt. */
export function missingInWords(missing: number, groups: string[]): string[] {
  return missing <= 0 ? [] : [`${missing} approval${missing === 1 ? "" : "s"} by ${groups.join(" or ")}`];
}
