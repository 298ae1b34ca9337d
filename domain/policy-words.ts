import type { Condition } from "./conditions.ts";
import { decidersInWords, quorumInWords } from "./quorum.ts";
import type { GateRule, Policy, PolicyGate } from "./policy.ts";
import { durationInWords, either, metricInSentence } from "./wording.ts";

/** A policy in sentences, for requests, pages and the command line. */
export function policyLines(policy: Policy): string[] {
  const { tier, maturities, teams, gates, skippable, revalidation, owner } = policy;
  const whose = teams ? ` of ${teams.join(", ")}` : "";
  return [
    `For models${whose} of the tier ${tier}${maturities ? ` and the maturity ${maturities.join(", ")}` : ""}.`,
    ...(gates.length === 0 ? ["No person is asked before promotion."] : gates.map(gateLine)),
    ...(skippable.length > 0 ? [`May be skipped when blocked: ${skippable.join(", ")}.`] : ["Nothing may be skipped."]),
    ...(policy.definitionChange ? [`Loosening a definition: ${ruleInWords(policy.definitionChange)}`] : []),
    ...(policy.retirement ? [`Retiring a model: ${ruleInWords(policy.retirement)}`] : []),
    ...(policy.breakGlass ? [`After breaking the glass: ${ruleInWords(policy.breakGlass)}`] : []),
    ...(policy.external ?? []).map((rule) => `For other workflows, ${rule.name}: ${ruleInWords(rule)}`),
    ...(revalidation
      ? [
          `A champion is approved anew within ${durationInWords(revalidation.everyMs)}; ${revalidation.onOverdue === "revoke" ? "otherwise its approval is revoked" : "otherwise a finding is opened"}.`,
        ]
      : []),
    ...(policy.change ? [`Changing this policy: ${ruleInWords(policy.change)}`] : ["This policy is changed without a gate."]),
    ...(owner ? [`Owned by ${owner}.`] : []),
  ];
}

export function gateLine(gate: PolicyGate): string {
  const when = gate.when ? `, where ${conditionInWords(gate.when)}` : "";
  return `After ${gate.after}, ${gate.name}${when}: ${ruleInWords(gate)}`;
}

/** "1 approval by model-risk within 7 d; then it is held and overdue." */
export function ruleInWords(rule: GateRule): string {
  const outcome = { hold: "then it is held, overdue", reject: "then it is closed as expired", approve: "then it is approved" };
  const parts = [
    `${quorumInWords(rule)} within ${durationInWords(rule.deadlineMs)}; ${outcome[rule.onDeadline]}`,
    ...(rule.escalation ?? []).map((step) => `after ${durationInWords(step.afterMs)} ${either(step.groups)} as well`),
    ...(rule.maxAgeMs === undefined ? [] : [`asked anew after ${durationInWords(rule.maxAgeMs)}`]),
    ...((rule.rejections ?? 1) > 1 ? [`${rule.rejections} rejections close it`] : []),
    ...(rule.machines ? ["machines decide as well"] : []),
    ...(rule.inputs?.length ? [`sets ${rule.inputs.map((input) => input.name).join(", ")}`] : []),
    ...(rule.conditional ? [`on condition for ${durationInWords(rule.conditional.maxMs)} at most`] : []),
    ...(rule.barred && rule.barred.groups.length + rule.barred.people.length > 0
      ? [`not by ${decidersInWords({ groups: rule.barred.groups, people: rule.barred.people })}`]
      : []),
  ];
  return `${parts.join("; ")}.`;
}

export function conditionInWords(condition: Condition): string {
  if ("all" in condition) return joined(condition.all, " and ");
  if ("any" in condition) return joined(condition.any, " or ");
  if ("not" in condition) return `not (${conditionInWords(condition.not)})`;
  if ("metricWorse" in condition) {
    const { metric, by } = condition.metricWorse;
    return `${metricInSentence(metric)} is worse than the champion's${by > 0 ? ` by more than ${by}` : ""}`;
  }
  if ("verdict" in condition)
    return condition.verdict.atLeast === "fail" ? "the evaluation fails" : "the evaluation warns or fails";
  if ("triggeredBy" in condition) return `the release was started by ${either(condition.triggeredBy)}`;
  if ("protectedGroupAffected" in condition) return "a protected group is affected";
  if ("firstRelease" in condition) return "it is the model's first release";
  if ("governedFieldChanged" in condition) return "a governed field changed";
  if ("contractWarned" in condition) return "the data contract warned";
  if ("driftOpen" in condition) return "a finding of drift is open";
  return "the release has parameters of its own";
}

function joined(conditions: Condition[], joint: string): string {
  return conditions
    .map((one) => ("all" in one || "any" in one ? `(${conditionInWords(one)})` : conditionInWords(one)))
    .join(joint);
}
