import { fault } from "./definition-rule.ts";
import type { Path } from "./definition-text.ts";
import type { PrincipalId } from "./ids.ts";
import { ownerTeam, type GateRule, type Policy } from "./policy.ts";
import { rulePlaces } from "./policy-schema.ts";
import { impossibleQuorum } from "./quorum.ts";
import type { Finding } from "./schema-faults.ts";
import { didYouMean } from "./suggestion.ts";

/** Who there is, as far as a policy can name them. */
export interface PeopleWorld {
  groups: string[];
  /** Active ones. */
  principals: { id: PrincipalId; kind: "person" | "machine"; groups: string[] }[];
}

/** What only the database can tell of a policy: unknown groups and people, and quorums that nobody could give. */
export function worldFindings(policy: Policy, world: PeopleWorld): Finding[] {
  const placed = placedRules(policy);
  return [
    ...unknownGroup(policy.owner ?? "", ["owner"], world),
    ...(policy.teams ?? []).flatMap((team, index) => unknownGroup(team, ["teams", index], world)),
    ...placed.flatMap(({ path, rule }) => namesIn(rule, path, world)),
    ...placed.flatMap(({ path, rule }) => {
      const why = cannotBeMet(rule, policy.teams, world);
      return why === null ? [] : [fault([...path, "quorum"], `can never be met. ${why}`, "key")];
    }),
  ];
}

export function placedRules(policy: Policy): { path: Path; rule: GateRule }[] {
  return [
    ...policy.gates.map((rule, index) => ({ path: ["gates", index], rule })),
    ...rulePlaces.flatMap((place) => {
      const rule = policy[place];
      return rule === undefined ? [] : [{ path: [place], rule }];
    }),
    ...(policy.external ?? []).map((rule, index) => ({ path: ["external", index], rule })),
  ];
}

function unknownGroup(group: string, path: Path, world: PeopleWorld): Finding[] {
  if (group === ownerTeam || world.groups.includes(group)) return [];
  return [fault(path, `names no known group (${group}).${didYouMean(group, world.groups)}`)];
}

function namesIn(rule: GateRule, path: Path, world: PeopleWorld): Finding[] {
  const groups = (names: string[], at: Path) =>
    names.flatMap((name, index) => unknownGroup(name, [...path, ...at, index], world));
  const people = world.principals.filter((one) => one.kind === "person" || rule.machines === true).map((one) => one.id);
  const persons = (names: PrincipalId[], at: Path, known: PrincipalId[]) =>
    names.flatMap((name, index) =>
      known.includes(name) ? [] : [fault([...path, ...at, index], `names nobody known (${name}).${didYouMean(name, known)}`)],
    );
  return [
    ...groups(rule.groups, ["groups"]),
    ...groups(rule.oneFromEach ?? [], ["oneFromEach"]),
    ...groups(rule.barred?.groups ?? [], ["barred", "groups"]),
    ...(rule.escalation ?? []).flatMap((step, index) => groups(step.groups, ["escalation", index, "groups"])),
    ...persons(rule.people ?? [], ["people"], people),
    ...persons(
      rule.barred?.people ?? [],
      ["barred", "people"],
      world.principals.map((one) => one.id),
    ),
  ];
}

/**
 * Why the quorum cannot be reached by all who may decide, contributors not yet left out; null when it
 * can. Where the owner team decides and no team is named, there may always be a team that is large enough.
 */
function cannotBeMet(rule: GateRule, teams: string[] | undefined, world: PeopleWorld): string | null {
  const named = [...rule.groups, ...(rule.oneFromEach ?? []), ...(rule.escalation ?? []).flatMap((step) => step.groups)];
  if (!named.includes(ownerTeam)) return impossible(rule, null, world);
  if (teams === undefined) return null;
  for (const team of teams) {
    const why = impossible(rule, team, world);
    if (why !== null) return `For models of ${team}: ${why}`;
  }
  return null;
}

function impossible(rule: GateRule, team: string | null, world: PeopleWorld): string | null {
  const put = (groups: string[]) => groups.map((group) => (group === ownerTeam && team !== null ? team : group));
  const resolved = {
    ...rule,
    groups: put(rule.groups),
    oneFromEach: put(rule.oneFromEach ?? []),
    escalatedTo: put((rule.escalation ?? []).flatMap((step) => step.groups)),
  };
  // A name that nobody knows is told by itself.
  const known = [...resolved.groups, ...resolved.oneFromEach, ...resolved.escalatedTo].every((group) =>
    world.groups.includes(group),
  );
  return known ? impossibleQuorum(resolved, possibleDeciders(resolved, world)) : null;
}

/** Who may decide by a rule whose groups are resolved, with the groups by which they may. */
export function possibleDeciders(
  rule: GateRule & { escalatedTo?: string[] },
  world: PeopleWorld,
): { principal: PrincipalId; groups: string[] }[] {
  const groups = new Set([...rule.groups, ...(rule.oneFromEach ?? []), ...(rule.escalatedTo ?? [])]);
  const { barred, people = [] } = rule;
  return world.principals
    .filter(({ kind }) => kind === "person" || rule.machines === true)
    .filter(({ id, groups: own }) => !barred?.people.includes(id) && !own.some((group) => barred?.groups.includes(group)))
    .map(({ id, groups: own }) => ({ principal: id, groups: own.filter((group) => groups.has(group)) }))
    .filter(({ principal, groups: own }) => own.length > 0 || people.includes(principal));
}
