import type { Condition } from "./conditions.ts";
import { durationMs, durationText } from "./duration-text.ts";
import type { GateInput, GateRule, ParameterBounds, Policy, PolicyGate } from "./policy.ts";
import { ruleNames } from "./policy-schema.ts";
import type {
  AuthoredCondition,
  AuthoredPolicy,
  ParsedCondition,
  ParsedGate,
  ParsedPolicy,
  ParsedRule,
} from "./policy-schema.ts";

/**
 * Between the policy that people write and the one that is published: durations as milliseconds,
 * every default in place, one form for one meaning, so that the digest says whether two are the same.
 */
export function canonicalPolicy(parsed: ParsedPolicy, version: number): Policy {
  const { policy, title, tier, maturities, teams, owner, change, definitionChange, retirement, breakGlass, revalidation } =
    parsed;
  return {
    id: policy,
    version,
    title,
    tier,
    ...(maturities && { maturities: [...new Set(maturities)] }),
    ...(teams && { teams: [...new Set(teams)].toSorted() }),
    owner,
    gates: parsed.gates.map(canonicalGate),
    skippable: parsed.skippable,
    ...(change && { change: canonicalRule(ruleNames.change, change) }),
    ...(definitionChange && { definitionChange: canonicalRule(ruleNames.definitionChange, definitionChange) }),
    ...(retirement && { retirement: canonicalRule(ruleNames.retirement, retirement) }),
    ...(breakGlass && { breakGlass: canonicalRule(ruleNames.breakGlass, breakGlass) }),
    external: parsed.external.map((rule) => canonicalRule(rule.name, rule)),
    ...(revalidation && { revalidation: { everyMs: ms(revalidation.every), onOverdue: revalidation.onOverdue } }),
  };
}

function canonicalGate(gate: ParsedGate): PolicyGate {
  return {
    ...canonicalRule(gate.name, gate),
    after: gate.after,
    ...(gate.when && { when: canonicalCondition(gate.when) }),
    freshness: gate.freshness,
    changes: Object.fromEntries(Object.entries(gate.changes).map(([name, bounds]) => [name, canonicalBounds(bounds)])),
  };
}

function canonicalRule(name: string, rule: ParsedRule): GateRule {
  const { ask, groups, people, quorum, oneFromEach, barred, machines, rejections, onDeadline, remindAt } = rule;
  return {
    name,
    ask,
    groups: [...new Set(groups)],
    quorum,
    people: [...new Set(people)],
    oneFromEach,
    barred,
    machines,
    rejections,
    deadlineMs: ms(rule.deadline),
    onDeadline,
    remindAt,
    escalation: rule.escalation.map((step) => ({ groups: step.groups, afterMs: ms(step.after) })),
    ...(rule.maxAge !== undefined && { maxAgeMs: ms(rule.maxAge) }),
    inputs: rule.inputs.map(canonicalInput),
    ...(rule.conditional && { conditional: { maxMs: ms(rule.conditional.within) } }),
  };
}

/** The check has told what does not fit its type; what is missing here never gets so far. */
function canonicalInput(input: ParsedRule["inputs"][number]): GateInput {
  const { name, title, required, type, min, max, options, maxLength, default: preset } = input;
  const about = { name, title, required };
  switch (type) {
    case "choice":
      return { ...about, type, options: options ?? [], ...(typeof preset === "string" && { default: preset }) };
    case "text":
      return { ...about, type, maxLength: maxLength ?? 0, ...(typeof preset === "string" && { default: preset }) };
    case "boolean":
      return { ...about, type, ...(typeof preset === "boolean" && { default: preset }) };
    default:
      return { ...about, type, min: min ?? 0, max: max ?? 0, ...(typeof preset === "number" && { default: preset }) };
  }
}

function canonicalBounds({ min, max, oneOf }: ParsedGate["changes"][string]): ParameterBounds[string] {
  return oneOf ? { oneOf } : { min: min ?? 0, max: max ?? 0 };
}

/** One key each, which the check has seen to. */
function canonicalCondition(parsed: ParsedCondition): Condition {
  const { all, any, not, metricWorse, verdict, triggeredBy } = parsed;
  if (all) return { all: all.map(canonicalCondition) };
  if (any) return { any: any.map(canonicalCondition) };
  if (not) return { not: canonicalCondition(not) };
  if (metricWorse) return { metricWorse };
  if (verdict) return { verdict };
  if (triggeredBy) return { triggeredBy };
  if (parsed.protectedGroupAffected) return { protectedGroupAffected: true };
  if (parsed.firstRelease) return { firstRelease: true };
  if (parsed.governedFieldChanged) return { governedFieldChanged: true };
  if (parsed.contractWarned) return { contractWarned: true };
  if (parsed.driftOpen) return { driftOpen: true };
  return { parametersChanged: true };
}

function ms(duration: string): number {
  const found = durationMs(duration);
  if (found === null) throw new TypeError(`${duration} is no duration; the policy was not checked.`);
  return found;
}

/** The same policy as people write it, without what is default anyway: the start of a next version. */
export function authoredPolicy(policy: Policy): AuthoredPolicy {
  const { id, version, title, tier, maturities, teams, owner, skippable, change, definitionChange, revalidation } = policy;
  const { retirement, breakGlass, external = [] } = policy;
  return {
    policy: id,
    version,
    title,
    tier,
    ...(maturities && { maturities }),
    ...(teams && { teams }),
    // Policies of the first versions name no owner; whoever writes the next one does.
    owner: owner ?? "",
    gates: policy.gates.map((gate) => ({
      name: gate.name,
      after: gate.after,
      ...(gate.when && { when: authoredCondition(gate.when) }),
      ...authoredRule(gate),
      ...(gate.freshness && !(gate.freshness.champion && gate.freshness.drift) && { freshness: gate.freshness }),
      ...(gate.changes && Object.keys(gate.changes).length > 0 && { changes: gate.changes }),
    })),
    ...(skippable.length > 0 && { skippable }),
    ...(change && { change: authoredRule(change) }),
    ...(definitionChange && { definitionChange: authoredRule(definitionChange) }),
    ...(retirement && { retirement: authoredRule(retirement) }),
    ...(breakGlass && { breakGlass: authoredRule(breakGlass) }),
    ...(external.length > 0 && { external: external.map((rule) => ({ name: rule.name, ...authoredRule(rule) })) }),
    ...(revalidation && { revalidation: { every: durationText(revalidation.everyMs), onOverdue: revalidation.onOverdue } }),
  };
}

type AuthoredRule = NonNullable<AuthoredPolicy["change"]>;

function authoredRule(rule: GateRule): AuthoredRule {
  const { barred, escalation, inputs, conditional, remindAt } = rule;
  return {
    ask: rule.ask,
    ...(rule.groups.length > 0 && { groups: rule.groups }),
    ...(rule.people?.length && { people: rule.people }),
    quorum: rule.quorum,
    ...(rule.oneFromEach?.length && { oneFromEach: rule.oneFromEach }),
    ...(barred && barred.groups.length + barred.people.length > 0 && { barred }),
    ...(rule.machines && { machines: true }),
    ...(rule.rejections !== undefined && rule.rejections > 1 && { rejections: rule.rejections }),
    deadline: durationText(rule.deadlineMs),
    onDeadline: rule.onDeadline,
    ...(remindAt && remindAt.join() !== "0.5,0.8" && { remindAt }),
    ...(escalation?.length && {
      escalation: escalation.map((step) => ({ groups: step.groups, after: durationText(step.afterMs) })),
    }),
    ...(rule.maxAgeMs !== undefined && { maxAge: durationText(rule.maxAgeMs) }),
    ...(inputs?.length && { inputs }),
    ...(conditional && { conditional: { within: durationText(conditional.maxMs) } }),
  };
}

/** The two forms differ only in how their types say that one key stands there. */
function authoredCondition(condition: Condition): AuthoredCondition {
  if ("all" in condition) return { all: condition.all.map(authoredCondition) };
  if ("any" in condition) return { any: condition.any.map(authoredCondition) };
  if ("not" in condition) return { not: authoredCondition(condition.not) };
  return condition as AuthoredCondition;
}
