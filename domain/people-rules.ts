import type { Fault } from "./errors.ts";
import type { PrincipalId } from "./ids.ts";
import type { Role } from "./principal.ts";

/**
 * Who belongs to what, and who may change that. Every change of people, whether one membership by
 * the API or a whole file, becomes a list of `PeopleChange` here, is judged here and is written as
 * it stands. Pure: the database reads and writes it in one transaction.
 */
export interface Somebody {
  id: PrincipalId;
  kind: "person" | "machine";
  displayName: string;
  roles: Role[];
  active: boolean;
}

export interface People {
  principals: Somebody[];
  /** Present members by group. */
  groups: Record<string, PrincipalId[]>;
}

/** What should be so; what is left out stays as it is. */
export interface WantedPeople {
  principals: (Pick<Somebody, "id"> & Partial<Somebody>)[];
  groups: Record<string, PrincipalId[]>;
  /** True: whoever is not named has left, and a group that is not named has no members. */
  complete: boolean;
}

export type PeopleChange =
  | { kind: "create"; principal: PrincipalId; as: Omit<Somebody, "id" | "active"> }
  | { kind: "rename"; principal: PrincipalId; displayName: string }
  | { kind: "roles"; principal: PrincipalId; from: Role[]; to: Role[] }
  | { kind: "return"; principal: PrincipalId }
  | { kind: "leave"; principal: PrincipalId; groups: string[] }
  | { kind: "new-group"; group: string }
  | { kind: "add"; group: string; principal: PrincipalId }
  | { kind: "remove"; group: string; principal: PrincipalId };

/** Roles that only people hold: what they allow is answered for by somebody. */
const rolesOfPeople: readonly Role[] = ["admin", "break-glass"];

/** Why what is wanted cannot be, each fault with its place: `groups.<group>`, `principals.<id>.<field>`. */
export function faultsOfWanted(present: People, wanted: WantedPeople): Fault[] {
  const known = new Map(present.principals.map((one) => [one.id, one]));
  const named = new Map(wanted.principals.map((one) => [one.id, one]));
  const faults: Fault[] = [];
  for (const one of wanted.principals) {
    const before = known.get(one.id);
    const kind = before?.kind ?? one.kind ?? "person";
    const at = (field: string, message: string) => faults.push({ path: `principals.${one.id}.${field}`, message });
    if (before && one.kind !== undefined && one.kind !== before.kind) at("kind", `is a ${before.kind} and stays one`);
    if (!before && one.active === false) at("active", "is not known here, so it cannot leave");
    const barred = kind === "machine" ? (one.roles ?? []).filter((role) => rolesOfPeople.includes(role)) : [];
    if (barred.length > 0) at("roles", `${barred.join(" and ")} can be held by people only`);
  }
  for (const [group, members] of Object.entries(wanted.groups))
    for (const [index, member] of members.entries()) {
      const path = `groups.${group}.${index}`;
      const lost = whyNoMember(member, { before: known.get(member), wanted: named.get(member), complete: wanted.complete });
      if (lost !== null) faults.push({ path, message: lost });
      if (members.indexOf(member) !== index) faults.push({ path, message: `${member} stands here twice` });
    }
  return faults;
}

function whyNoMember(
  member: PrincipalId,
  { before, wanted, complete }: { before: Somebody | undefined; wanted: Partial<Somebody> | undefined; complete: boolean },
): string | null {
  if (!before && !wanted) return `${member} is not known here`;
  if (complete && !wanted) return `${member} is not named among the principals, and so would leave`;
  if (wanted?.active ?? before?.active ?? true) return null;
  return `${member} has left; with active: true among the principals ${member} comes back`;
}

/** What has to change so that what is wanted is so; nothing, when it is already. Wanted must have no faults. */
export function planChanges(present: People, wanted: WantedPeople): PeopleChange[] {
  const known = new Map(present.principals.map((one) => [one.id, one]));
  const named = new Set(wanted.principals.map((one) => one.id));
  const gone = wanted.complete ? present.principals.filter((one) => one.active && !named.has(one.id)).map((one) => one.id) : [];
  const leaving = new Set([
    ...gone,
    ...wanted.principals.filter((one) => one.active === false && known.get(one.id)?.active).map((one) => one.id),
  ]);
  const emptied = wanted.complete ? Object.keys(present.groups).filter((group) => !(group in wanted.groups)) : [];
  const groups = { ...wanted.groups, ...Object.fromEntries(emptied.map((group) => [group, []])) };
  return [
    ...wanted.principals.flatMap((one) => changesOfOne(known.get(one.id), one)),
    ...Object.entries(groups).flatMap(([group, members]) => changesOfGroup(present, { group, members, leaving })),
    ...[...leaving].map((principal): PeopleChange => ({ kind: "leave", principal, groups: groupsOf(present, principal) })),
  ];
}

function changesOfOne(before: Somebody | undefined, wanted: WantedPeople["principals"][number]): PeopleChange[] {
  const { id: principal, displayName, kind = "person" } = wanted;
  if (!before)
    return [
      { kind: "create", principal, as: { kind, displayName: displayName ?? principal, roles: sorted(wanted.roles ?? []) } },
    ];
  const changes: PeopleChange[] = [];
  if (wanted.active === true && !before.active) changes.push({ kind: "return", principal });
  if (displayName !== undefined && displayName !== before.displayName) changes.push({ kind: "rename", principal, displayName });
  const [from, to] = [sorted(before.roles), sorted(wanted.roles ?? before.roles)];
  if (from.join() !== to.join()) changes.push({ kind: "roles", principal, from, to });
  return changes;
}

function changesOfGroup(
  present: People,
  { group, members, leaving }: { group: string; members: PrincipalId[]; leaving: Set<PrincipalId> },
): PeopleChange[] {
  const before = present.groups[group];
  const removed = (before ?? []).filter((one) => !members.includes(one) && !leaving.has(one));
  const added = members.filter((one) => !(before ?? []).includes(one));
  return [
    ...(before === undefined ? [{ kind: "new-group" as const, group }] : []),
    ...removed.map((principal): PeopleChange => ({ kind: "remove", group, principal })),
    ...added.map((principal): PeopleChange => ({ kind: "add", group, principal })),
  ];
}

function groupsOf(present: People, principal: PrincipalId): string[] {
  return Object.entries(present.groups)
    .filter(([, members]) => members.includes(principal))
    .map(([group]) => group)
    .toSorted();
}

function sorted(roles: Role[]): Role[] {
  return [...new Set(roles)].toSorted();
}

export interface PeopleRefusal {
  code: "forbidden" | "own-benefit" | "last-admin";
  message: string;
}

interface Judged {
  actor: Somebody;
  /** Present groups of the actor. */
  own: string[];
}

/** What nobody may do for himself, however it is asked: one rule a kind of benefit, in words for the person. */
const benefitRules: readonly ((change: PeopleChange, judged: Judged) => string | null)[] = [
  // A group that a policy bars is left as gladly as one that decides is joined.
  (change, { actor }) =>
    (change.kind === "add" || change.kind === "remove") && change.principal === actor.id
      ? `You cannot change your own groups (${change.group}); another admin does it.`
      : null,
  (change, { actor }) => {
    if (change.kind !== "roles" || change.principal !== actor.id) return null;
    const raised = change.to.filter((role) => !change.from.includes(role));
    return raised.length > 0 ? `You cannot give yourself the role ${raised.join(" or ")}; another admin does it.` : null;
  },
  // With fewer members one's own vote weighs more.
  (change, { actor, own }) =>
    change.kind === "remove" && change.principal !== actor.id && own.includes(change.group)
      ? `You belong to ${change.group}, so another admin removes ${change.principal} from it.`
      : null,
];

/** Why the actor may not make these changes, or null. All or none of them are made. */
export function refusePeople(present: People, changes: PeopleChange[], by: PrincipalId): PeopleRefusal | null {
  const actor = present.principals.find((one) => one.id === by);
  if (!actor?.active || !actor.roles.includes("admin") || actor.kind !== "person")
    return {
      code: "forbidden",
      message: `${by} may not change people: that needs the role admin, which is held by people only.`,
    };
  const judged: Judged = { actor, own: groupsOf(present, by) };
  for (const change of changes)
    for (const rule of benefitRules) {
      const message = rule(change, judged);
      if (message !== null) return { code: "own-benefit", message };
    }
  if (changes.length > 0 && adminsAfter(present, changes).length === 0)
    return { code: "last-admin", message: "Nobody would be admin any more; give another person the role first." };
  return null;
}

function adminsAfter(present: People, changes: PeopleChange[]): PrincipalId[] {
  const after = new Map(present.principals.map(({ id, active, roles }) => [id, { active, roles }]));
  for (const change of changes) {
    if (change.kind === "create") after.set(change.principal, { active: true, roles: change.as.roles });
    const one = "principal" in change ? after.get(change.principal) : undefined;
    if (!one) continue;
    if (change.kind === "roles") one.roles = change.to;
    if (change.kind === "return") one.active = true;
    if (change.kind === "leave") one.active = false;
  }
  return [...after].filter(([, { active, roles }]) => active && roles.includes("admin")).map(([id]) => id);
}

/** "adds grace to model-risk": one line of a plan. */
export function changeInWords(change: PeopleChange): string {
  switch (change.kind) {
    case "create":
      return `creates the ${change.as.kind} ${change.principal} (${change.as.displayName}) with ${rolesInWords(change.as.roles)}`;
    case "rename":
      return `calls ${change.principal} ${change.displayName}`;
    case "roles":
      return `gives ${change.principal} ${rolesInWords(change.to)} instead of ${rolesInWords(change.from)}`;
    case "return":
      return `takes ${change.principal} back, without groups or tokens`;
    case "leave":
      return `${change.principal} leaves${change.groups.length > 0 ? ` ${change.groups.join(", ")}` : ""}, and loses tokens, sessions and delegations`;
    case "new-group":
      return `creates the group ${change.group}`;
    case "add":
      return `adds ${change.principal} to ${change.group}`;
    case "remove":
      return `removes ${change.principal} from ${change.group}`;
  }
}

function rolesInWords(roles: Role[]): string {
  return roles.length === 0 ? "no role" : `the role${roles.length === 1 ? "" : "s"} ${roles.join(", ")}`;
}
