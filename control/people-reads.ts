import { digestOfJson } from "../domain/digest.ts";
import type { GroupView, Page } from "../domain/http/record-views.ts";
import type { PrincipalView } from "../domain/http/people-views.ts";
import type { PrincipalId } from "../domain/ids.ts";
import { groupTag } from "../domain/people-file.ts";
import type { People } from "../domain/people-rules.ts";
import type { Principal } from "../domain/principal.ts";
import type { Caller } from "./caller.ts";
import type { PageInput } from "./filters.ts";
import { nameOf, pageOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { presentPeople } from "./people.ts";
import { notFound, requireScope } from "./read-rights.ts";

/**
 * Who decides must be findable by everybody who may have to ask, so people read the whole directory.
 * A machine needs none of it: it sees itself and its own groups.
 */
function sees(reader: Principal, one: { principal: PrincipalId } | { group: string }): boolean {
  if (reader.kind === "person") return true;
  return "group" in one ? reader.groups.includes(one.group) : one.principal === reader.id;
}

/** Throws `not-found`. `tag` is for If-Match. */
export async function readGroup(
  context: ControlContext,
  caller: Caller,
  group: string,
): Promise<{ view: PlainGroup; tag: string }> {
  requireScope(caller, "read");
  const present = await presentPeople(context);
  const members = present.groups[group];
  if (members === undefined || !sees(caller.principal, { group })) throw notFound("group", group);
  return { view: groupView(present, group), tag: groupTag(members) };
}

/** A group as its present members; when each joined stands in the list of all groups. */
export type PlainGroup = Omit<GroupView, "members"> & { members: Omit<GroupView["members"][number], "since">[] };

function groupView(present: People, group: string): PlainGroup {
  const members = (present.groups[group] ?? []).flatMap((id) => present.principals.filter((one) => one.id === id));
  return { group, members: members.map(({ id, kind, displayName }) => ({ principal: id, kind, displayName })) };
}

/** By id. */
export async function listPrincipals(context: ControlContext, caller: Caller, page: PageInput): Promise<Page<PrincipalView>> {
  requireScope(caller, "read");
  const after = nameOf(page.after) ?? "";
  const present = await presentPeople(context);
  const rows = present.principals
    .filter((one) => one.id > after && sees(caller.principal, { principal: one.id }))
    .slice(0, page.limit + 1);
  return pageOf(rows, page.limit, { item: (one) => readPrincipalView(present, one.id), cursor: (one) => [one.id] });
}

/** Throws `not-found`. `tag` is for If-Match. */
export async function readPrincipal(
  context: ControlContext,
  caller: Caller,
  id: PrincipalId,
): Promise<{ view: PrincipalView; tag: string }> {
  requireScope(caller, "read");
  const present = await presentPeople(context);
  const tag = principalTag(present, id);
  if (tag === null || !sees(caller.principal, { principal: id })) throw notFound("principal", id);
  return { view: readPrincipalView(present, id), tag };
}

/** Somebody who is there. */
export function readPrincipalView(present: People, id: PrincipalId): PrincipalView {
  const one = present.principals.find((principal) => principal.id === id);
  if (!one) throw new Error(`${id} is not there.`);
  const groups = Object.keys(present.groups).filter((group) => present.groups[group]?.includes(id));
  return { principal: id, kind: one.kind, displayName: one.displayName, roles: one.roles, groups, active: one.active };
}

export function principalTag(present: People, id: PrincipalId): string | null {
  const one = present.principals.find((principal) => principal.id === id);
  return one ? digestOfJson({ ...one, roles: one.roles.toSorted() }) : null;
}
