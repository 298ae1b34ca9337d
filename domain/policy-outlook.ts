import { evaluateCondition } from "./condition-evaluation.ts";
import { callsForGate, type ConditionFacts } from "./conditions.ts";
import type { Exclusion } from "./gate.ts";
import type { PrincipalId } from "./ids.ts";
import { possibleDeciders, type PeopleWorld } from "./policy-world.ts";
import { ownerTeam, type GateRule, type GateStage, type Policy } from "./policy.ts";
import { impossibleQuorum, quorumInWords } from "./quorum.ts";
import { durationInWords } from "./wording.ts";

export interface OutlookInput {
  policy: Policy;
  facts: ConditionFacts;
  /** The team that owns the model; null for a sample, where `$owner` stays what it is. */
  team: string | null;
  /** Who may not decide on this release. */
  excluded: Exclusion[];
  world: PeopleWorld;
}

export interface GateOutlook {
  name: string;
  after: GateStage;
  needed: boolean;
  why: string;
  ask: string;
  /** "1 approval by model-risk". */
  quorum: string;
  /** Who may decide now, those who contributed left out. */
  mayDecide: PrincipalId[];
  barred: Exclusion[];
  /** Why nobody can complete the quorum now; null when somebody can. */
  undecidable: string | null;
  deadline: string;
  onDeadline: GateRule["onDeadline"];
}

/** What a release would be asked by a policy, of whom, and why. Asks nobody. */
export function policyOutlook(input: OutlookInput): { gates: GateOutlook[]; summary: string } {
  const gates = input.policy.gates.map((gate) => gateOutlook(input, gate));
  return { gates, summary: summaryOf(gates) };
}

function gateOutlook({ facts, team, excluded, world }: OutlookInput, gate: Policy["gates"][number]): GateOutlook {
  const result = gate.when
    ? evaluateCondition(gate.when, facts)
    : { applies: true, why: "The policy asks for this gate on every release." };
  const rule = resolveOwner(gate, team);
  const all = possibleDeciders(rule, world);
  const out = new Set(excluded.map((one) => one.principal));
  const left = all.filter((one) => !out.has(one.principal));
  const open = team === null && names(gate).includes(ownerTeam);
  return {
    name: gate.name,
    after: gate.after,
    needed: callsForGate(result),
    why: result.why,
    ask: gate.ask,
    quorum: quorumInWords(rule),
    mayDecide: left.map((one) => one.principal),
    barred: excluded.filter((one) => all.some((other) => other.principal === one.principal)),
    undecidable: open ? null : impossibleQuorum(rule, left),
    deadline: durationInWords(gate.deadlineMs),
    onDeadline: gate.onDeadline,
  };
}

function names(rule: GateRule): string[] {
  return [...rule.groups, ...(rule.oneFromEach ?? []), ...(rule.escalation ?? []).flatMap((step) => step.groups)];
}

function resolveOwner<Rule extends GateRule>(rule: Rule, team: string | null): Rule {
  const put = (groups: string[]) => groups.map((group) => (group === ownerTeam && team !== null ? team : group));
  return {
    ...rule,
    groups: put(rule.groups),
    ...(rule.oneFromEach && { oneFromEach: put(rule.oneFromEach) }),
    ...(rule.barred && { barred: { ...rule.barred, groups: put(rule.barred.groups) } }),
  };
}

function summaryOf(gates: GateOutlook[]): string {
  const needed = gates.filter((one) => one.needed);
  if (needed.length === 0) return "No person is asked: the release goes through, and that is on record.";
  const asked = needed.map((one) => `${one.quorum} after ${one.after} (${one.name})`).join(", then ");
  const stuck = needed.filter((one) => one.undecidable !== null).map((one) => `${one.name}: ${one.undecidable}`);
  return `It waits for ${asked}.${stuck.length > 0 ? ` Nobody could decide as things stand. ${stuck.join(" ")}` : ""}`;
}
