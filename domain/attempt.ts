import { decisionWords, type DecisionKind, type Exclusion, type GateState, type ReceiptKind, type Resolution } from "./gate.ts";
import type { Digest, GateId, PrincipalId, Timestamp } from "./ids.ts";
import type { Deciders } from "./policy.ts";
import { decidersInWords } from "./quorum.ts";
import { either, momentInWords } from "./wording.ts";

/** The facts that settle an attempt, as read from the database at one moment. */
export interface AttemptFacts {
  /** `nobody`: unknown, or deactivated. */
  principal: { id: PrincipalId; kind: "person" | "machine" | "nobody"; groups: string[] };
  /** By what right the principal decides, as `db/rights.ts` says; null: by none. */
  standing: Standing | null;
  /** The policy bars the principal from this gate. */
  barred: boolean;
  /** Groups that decide and that the principal joined after the gate opened. */
  joinedLate: string[];
  gate: { id: GateId; state: GateState; resolution: Resolution | null; digest: Digest };
  deciders: Deciders;
  /** Groups that escalation has added. */
  escalatedTo: string[];
  /** True while the chain of escalation has a further step. */
  escalatable: boolean;
  ownerTeam: string | null;
  excluded: Exclusion[];
  /** Digests of earlier requests of the same gate of the same release. */
  earlierDigests: Digest[];
  supersededBy: GateId | null;
  closedBy: { by: PrincipalId | null; at: Timestamp; how: DecisionKind | null; why?: string | null } | null;
  /** Until when decisions are taken, and how the gate ends then; null: as long as it is open. */
  lastMoment: { at: Timestamp; ends: "expires" | "is renewed" } | null;
  /** Why the request is out of date and is asked anew; null while it is fresh. */
  staleBecause: string | null;
  /** The vote that stands in the place that this person would take: her own, her delegate's, or that of the one for whom she would vote. */
  ownVote: { decision: DecisionKind; by: PrincipalId; onBehalfOf?: PrincipalId | null } | null;
  asked: { decision: DecisionKind; digest: Digest; at: Timestamp };
}

export type Refusal = { receipt: Exclude<ReceiptKind, "accepted" | "pending">; message: string };

/** By what right somebody decides. */
export interface Standing {
  /** Groups that fill places of the quorum; none for a named person. */
  groups: string[];
  onBehalfOf: PrincipalId | null;
}

/** Of all the rights that somebody has at a gate, the first that is still free to be used: her own, or a delegated one whose giver has not voted. */
export function chooseStanding<Cast extends { principal: PrincipalId; onBehalfOf?: PrincipalId | null }>(
  standings: readonly Standing[],
  votes: readonly Cast[],
  principal: PrincipalId,
): Standing | null {
  const others = votes.filter((vote) => vote.principal !== principal);
  const isFree = ({ onBehalfOf: giver }: Standing) =>
    giver === null || !others.some((vote) => vote.principal === giver || vote.onBehalfOf === giver);
  return standings.find(isFree) ?? standings[0] ?? null;
}

interface AttemptRule {
  receipt: Refusal["receipt"];
  /** A sentence for the person when the rule applies, else null. */
  says(facts: AttemptFacts): string | null;
}

/** What can be settled without the workflow, in the published order: the first that says something is the answer. */
export const attemptRules: readonly AttemptRule[] = [
  { receipt: "invalid", says: nobodyToEscalateTo },
  { receipt: "not-allowed", says: notAllowed },
  { receipt: "self", says: contributed },
  { receipt: "superseded", says: replaced },
  { receipt: "expired", says: expired },
  { receipt: "already-decided", says: alreadyDecided },
  { receipt: "stale", says: outdated },
  { receipt: "duplicate", says: (facts) => votedBefore(facts, "the same") },
  { receipt: "already-voted", says: (facts) => votedBefore(facts, "another") },
];

/** The answer that needs no workflow, or null: the attempt goes on to the gate. */
export function refuseAttempt(facts: AttemptFacts): Refusal | null {
  for (const { receipt, says } of attemptRules) {
    const message = says(facts);
    if (message !== null) return { receipt, message };
  }
  return null;
}

/** Whoever owns the subject may ask for the next group, whatever bars her from deciding. */
function escalatesAsOwner({ asked, ownerTeam, principal }: AttemptFacts): boolean {
  return (
    asked.decision === "escalate" && ownerTeam !== null && principal.kind === "person" && principal.groups.includes(ownerTeam)
  );
}

function notAllowed(facts: AttemptFacts): string | null {
  const { principal, deciders, escalatedTo, standing, barred, joinedLate } = facts;
  if (standing !== null || escalatesAsOwner(facts)) return null;
  const who = decidersInWords({ ...deciders, escalatedTo });
  if (principal.kind === "nobody") return `${principal.id} is unknown or was deactivated.`;
  if (principal.kind === "machine" && deciders.machines !== true)
    return `${principal.id} is a machine; this gate is decided by people: ${who}.`;
  if (barred) return `The policy bars ${principal.id} from this gate; ${who} decide on it.`;
  if (joinedLate.length > 0)
    return `${principal.id} joined ${either(joinedLate)} after this gate opened; only those who were members then decide on it.`;
  const members = deciders.people?.length ? who : `members of ${who}`;
  return `Only ${members} decide on this gate; ${principal.id} is in ${principal.groups.join(", ") || "no group"}.`;
}

function contributed(facts: AttemptFacts): string | null {
  if (escalatesAsOwner(facts)) return null;
  const { principal, deciders, escalatedTo } = facts;
  const exclusion = facts.excluded.find((one) => one.principal === principal.id);
  if (!exclusion) return null;
  return `${principal.id} ${exclusion.why}, so somebody else must decide: ${decidersInWords({ ...deciders, escalatedTo })}.`;
}

function replaced({ supersededBy, earlierDigests, asked, gate }: AttemptFacts): string | null {
  if (supersededBy === null && !earlierDigests.includes(asked.digest)) return null;
  return `This request was replaced by ${supersededBy ?? gate.id}; read that one and decide there.`;
}

function expired({ gate, closedBy, lastMoment, asked }: AttemptFacts): string | null {
  if (gate.resolution === "expired")
    return `The deadline of ${gate.id} passed${closedBy ? ` on ${momentInWords(closedBy.at)}` : ""}; nothing was decided.`;
  if (gate.state === "closed" || lastMoment?.ends !== "expires" || asked.at <= lastMoment.at) return null;
  return `The deadline of ${gate.id} passed on ${momentInWords(lastMoment.at)}; your decision came after it and changes nothing.`;
}

function alreadyDecided({ gate, closedBy }: AttemptFacts): string | null {
  if (gate.state !== "closed") return null;
  const who = closedBy?.by ? ` by ${closedBy.by}` : "";
  const when = closedBy ? ` on ${momentInWords(closedBy.at)}` : "";
  const how = gate.resolution === "changes-requested" ? "with a request for changes" : `as ${gate.resolution ?? "closed"}`;
  const why = closedBy?.why ? ` (${closedBy.why.replace(/\.$/, "")})` : "";
  return `This gate was closed ${how}${who}${when}${why}; your decision came after that and changes nothing.`;
}

function outdated({ gate, asked, staleBecause, lastMoment }: AttemptFacts): string | null {
  if (asked.digest !== gate.digest)
    return `The digest is not the one of ${gate.id}; what you saw is not what is asked now. Read the gate again.`;
  if (staleBecause !== null) return `${staleBecause} The evidence of ${gate.id} is being renewed; decide on the new request.`;
  if (lastMoment?.ends === "is renewed" && asked.at > lastMoment.at)
    return `The evidence of ${gate.id} is too old since ${momentInWords(lastMoment.at)} and is being renewed; decide on the new request.`;
  return null;
}

function votedBefore(facts: AttemptFacts, how: "the same" | "another"): string | null {
  const { ownVote, asked, principal } = facts;
  if (!ownVote || asked.decision === "escalate" || (ownVote.decision === asked.decision) !== (how === "the same")) return null;
  // Whoever is back decides herself, and what was decided in her name counts no longer.
  if (ownVote.onBehalfOf === principal.id) return null;
  const mine = ownVote.by === principal.id;
  if (how === "the same")
    return `${mine ? "Your" : `${ownVote.by}'s`} ${decisionWords[asked.decision].noun} is on record already; nothing more to do.`;
  if (mine) return `You ${decisionWords[ownVote.decision].did} before; withdraw that first to decide otherwise.`;
  const did = `${ownVote.by} ${decisionWords[ownVote.decision].did}`;
  return ownVote.onBehalfOf == null
    ? `${did} already and counts once; only ${ownVote.by} can withdraw that.`
    : `${did} already in the name of ${ownVote.onBehalfOf}, who counts once; ${ownVote.by} can withdraw that, or ${ownVote.onBehalfOf} decides in person.`;
}

/** The vote that stands where a person with these rights would vote. */
export function voteInPlace<Cast extends { principal: PrincipalId; onBehalfOf?: PrincipalId | null }>(
  votes: readonly Cast[],
  principal: PrincipalId,
  standing: Standing | null,
): Cast | undefined {
  const giver = standing?.onBehalfOf ?? null;
  return (
    votes.find((vote) => vote.principal === principal) ??
    votes.find((vote) => (giver === null ? vote.onBehalfOf === principal : vote.principal === giver || vote.onBehalfOf === giver))
  );
}

function nobodyToEscalateTo({ asked, escalatable, gate }: AttemptFacts): string | null {
  if (asked.decision !== "escalate" || escalatable || gate.state === "closed") return null;
  return "decision: this gate's policy names no further group to escalate to.";
}
