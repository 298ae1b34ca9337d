import type { PrincipalId } from "./ids.ts";
import { ownerTeam, type GateRule, type Policy } from "./policy.ts";

export interface NamedRule {
  /** Such as `promotion`, `definition`, `external.approval`. */
  name: string;
  rule: GateRule;
}

/** Every rule of a policy with the name that people know it by. */
export function rulesOf(policy: Policy): NamedRule[] {
  const { change, definitionChange, retirement, breakGlass } = policy;
  const single = [change, definitionChange, retirement, breakGlass].filter((rule) => rule !== undefined);
  return [
    ...policy.gates.map((rule) => ({ name: rule.name, rule })),
    ...single.map((rule) => ({ name: rule.name, rule })),
    ...(policy.external ?? []).map((rule) => ({ name: `external.${rule.name}`, rule })),
  ];
}

/** Every group that a rule names anywhere, `$owner` left out. */
export function groupsIn(rule: GateRule): string[] {
  const escalated = (rule.escalation ?? []).flatMap((step) => step.groups);
  const all = [...rule.groups, ...(rule.oneFromEach ?? []), ...escalated];
  return [...new Set(all)].filter((group) => group !== ownerTeam);
}

/** Whether who decides depends on which team owns the model. */
export function namesOwner(rule: GateRule): boolean {
  return [...rule.groups, ...(rule.oneFromEach ?? [])].includes(ownerTeam);
}

/** All who decide on releases by this policy: they may read the model. Who decides on anything else reads it from when she is asked. */
export function decidersOf(policy: Policy): { groups: string[]; people: PrincipalId[] } {
  return {
    groups: [...new Set(policy.gates.flatMap(groupsIn))].toSorted(),
    people: [...new Set(policy.gates.flatMap((rule) => rule.people ?? []))].toSorted(),
  };
}
