import { chooseStanding, refuseAttempt, voteInPlace, type AttemptFacts, type Standing } from "../../domain/attempt.ts";
import { gateEvents, type DecisionKind, type GateEvent, type GateState, type Resolution } from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import { resolve, type Vote } from "../../domain/quorum.ts";
import type { castPeople } from "./cast.ts";
import type { AskedGate } from "./stand.ts";
import type { createApiSurface } from "./surfaces/api.ts";

export const names = ["ann", "bob", "cat", "dan", "pat", "out", "con", "bot"] as const;
export type Name = (typeof names)[number];

interface CastVote extends Vote {
  who: Name;
}

/** The gate as the tables have it. */
export interface Model {
  state: GateState;
  resolution: Resolution | null;
  level: number;
  votes: CastVote[];
  /** Groups now, and those of them held since the opening. */
  members: Record<Name, { groups: string[]; held: string[] }>;
}

export interface Real {
  gate: AskedGate;
  rule: GateRule;
  groups: { risk: string; product: string };
  cast: Awaited<ReturnType<typeof castPeople<Name>>>;
  api: ReturnType<typeof createApiSurface>;
  last: { who: Name; key: string; decision: DecisionKind; digest: Digest; receipt: string | null } | null;
}

export function factsOf(model: Model, real: Real, asked: { who: Name; decision: DecisionKind; digest: Digest }): AttemptFacts {
  const { who, decision, digest } = asked;
  const { gate, rule, cast } = real;
  const member = model.members[who];
  const standing = chooseStanding(standingsOf(model, real, who), model.votes, cast.ids[who]);
  const own = voteInPlace(model.votes, cast.ids[who], standing);
  return {
    principal: { id: cast.ids[who], kind: who === "bot" ? "machine" : "person", groups: member.groups },
    standing,
    barred: false,
    joinedLate: member.groups.filter((group) => !member.held.includes(group)),
    gate: { id: gate.id, state: model.state, resolution: model.resolution, digest: gate.digest },
    deciders: rule,
    escalatedTo: model.level > 0 ? [real.groups.product] : [],
    escalatable: model.level === 0,
    ownerTeam: "platform",
    excluded: [{ principal: cast.ids.con, why: "made it" }],
    earlierDigests: [],
    supersededBy: null,
    closedBy: null,
    lastMoment: null,
    staleBecause: null,
    ownVote: own ? { decision: own.decision, by: own.principal, onBehalfOf: own.onBehalfOf ?? null } : null,
    asked: { decision, digest, at: "" },
  };
}

/** By what rights somebody decides: her own, and dan by ann's as well. */
function standingsOf(model: Model, { rule, groups, cast }: Real, who: Name): Standing[] {
  const deciding = [...rule.groups, ...(rule.oneFromEach ?? []), ...(model.level > 0 ? [groups.product] : [])];
  const of = (name: Name, onBehalfOf: string | null): Standing[] => {
    const held = model.members[name].held.filter((group) => deciding.includes(group));
    const named = (rule.people ?? []).includes(cast.ids[name]);
    return held.length > 0 || named ? [{ groups: held, onBehalfOf }] : [];
  };
  if (who === "bot") return [];
  return [...of(who, null), ...(who === "dan" ? of("ann", cast.ids.ann) : [])];
}

/** What the table of events says follows. */
export function happen(model: Model, event: GateEvent): void {
  const { from, to, resolution } = gateEvents[event];
  // The table's literal types are narrower than the set of all states.
  if (!(from as readonly GateState[]).includes(model.state))
    throw new Error(`${event} cannot happen to a gate that is ${model.state}.`);
  model.state = to;
  model.resolution = resolution;
}

const closing = { approved: "quorum-met", rejected: "rejected", "changes-requested": "changes-requested" } as const;

/** A decision that is taken, as the tables count it. */
export function take(model: Model, real: Real, asked: { who: Name; decision: DecisionKind; command: string }): void {
  const { who, decision, command } = asked;
  if (decision === "escalate") {
    happen(model, "escalated");
    model.level += 1;
    return;
  }
  const { standing } = factsOf(model, real, { who, decision, digest: real.gate.digest });
  const vote: CastVote = {
    who,
    command,
    principal: real.cast.ids[who],
    decision,
    at: "",
    groups: standing?.groups ?? [],
    onBehalfOf: standing?.onBehalfOf ?? null,
  };
  // Who decides in person ends what her delegate decided in her name.
  if (vote.onBehalfOf === null) model.votes = model.votes.filter((one) => one.onBehalfOf !== vote.principal);
  const rule = { ...real.rule, escalatedTo: model.level > 0 ? [real.groups.product] : [] };
  if (resolve([...model.votes, vote], rule).resolution !== null) {
    // Before it closes each vote that waits is judged again.
    model.votes = model.votes
      .filter((one) => {
        const facts = factsOf(model, real, { who: one.who, decision: one.decision, digest: real.gate.digest });
        return refuseAttempt({ ...facts, ownVote: null }) === null;
      })
      .map((one) => ({ ...one, ...regrouped(model, real, one) }));
  }
  const tally = resolve([...model.votes, vote], rule);
  if (tally.resolution === null) {
    happen(model, "quorum-short");
    model.votes.push(vote);
    return;
  }
  const event = closing[tally.resolution as keyof typeof closing];
  happen(model, event);
  model.votes = [];
}

function regrouped(model: Model, real: Real, vote: CastVote): Pick<Vote, "groups" | "onBehalfOf"> {
  const { standing } = factsOf(model, real, { who: vote.who, decision: vote.decision, digest: real.gate.digest });
  return { groups: standing?.groups ?? [], onBehalfOf: standing?.onBehalfOf ?? null };
}
