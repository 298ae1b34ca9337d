import { CountersignError, type Fault } from "../domain/errors.ts";
import {
  groupRequestSchema,
  principalRequestSchema,
  type GroupChangedView,
  type PeopleAppliedView,
  type PeoplePlanView,
  type PeopleView,
  type PrincipalChangedView,
} from "../domain/http/people-views.ts";
import { reasonRequestSchema } from "../domain/http/requests.ts";
import { principalPattern, type PrincipalId } from "../domain/ids.ts";
import { faultsInFile, fileOf, groupPattern, groupTag, peopleFileSchema, stateOf, wantedIn } from "../domain/people-file.ts";
import { changeInWords, faultsOfWanted, planChanges, refusePeople, type People } from "../domain/people-rules.ts";
import type { Answer } from "./answer.ts";
import type { Asked, Caller, Sent } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { principalTag, readPrincipalView } from "./people-reads.ts";
import { changeOnce, presentPeople, refuseFaults } from "./people.ts";
import { notFound, requireScope } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

/** A PUT: what was read before, for what must not have changed meanwhile. */
export type AskedWith = Asked & { ifMatch: string | null };

/** Gives a group exactly these members; makes the group when there is none. */
export async function changeGroup(context: ControlContext, asked: AskedWith): Promise<Answer<GroupChangedView>> {
  const { caller, about: group, sent, ifMatch } = asked;
  requireScope(caller, "administer");
  if (!groupPattern.test(group)) refuseFaults([{ path: "group", message: "is no group's name" }]);
  const { members, reason } = checkBody(groupRequestSchema, sent.body);
  return changeOnce<GroupChangedView>(context, {
    caller,
    route: `PUT /api/groups/${group}`,
    key: sent.key,
    body: { members, reason },
    subject: group,
    reason: reason ?? null,
    ifMatch,
    tag: (present) => {
      const before = present.groups[group];
      return before === undefined ? null : groupTag(before);
    },
    wanted: () => ({ principals: [], groups: { [group]: members }, complete: false }),
    place: (faults) => faults.map((fault) => ({ ...fault, path: fault.path.replace(`groups.${group}`, "members") })),
    answer: (after, changes) => ({
      status: changes.some((change) => change.kind === "new-group") ? 201 : 200,
      value: { group, members: after.groups[group] ?? [], changes: changes.map(changeInWords) },
    }),
  });
}

/** Creates somebody, or changes name and roles, or lets her leave or come back. */
export async function changePrincipal(context: ControlContext, asked: AskedWith): Promise<Answer<PrincipalChangedView>> {
  const { caller, about: id, sent, ifMatch } = asked;
  requireScope(caller, "administer");
  if (!principalPattern.test(id)) refuseFaults([{ path: "principal", message: "is no principal's id" }]);
  const { reason, ...given } = checkBody(principalRequestSchema, sent.body);
  // Of JSON no member comes as undefined; only what was sent is wanted.
  const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return changeOne(context, { caller, id, sent, ifMatch, reason: reason ?? null, route: `PUT /api/principals/${id}`, wanted });
}

/** Who is new is made by what is said of her, and by nothing that was forgotten. */
function missingOf(wanted: object): Fault[] {
  return ["displayName", "roles"]
    .filter((name) => !(name in wanted))
    .map((path) => ({ path, message: "is missing, and there is nobody of this id yet" }));
}

/** Somebody leaves: groups, tokens, sessions and delegations end with it, in one transaction. */
export async function deactivate(
  context: ControlContext,
  { caller, about: id, sent }: Asked,
): Promise<Answer<PrincipalChangedView>> {
  requireScope(caller, "administer");
  const present = await presentPeople(context);
  if (!present.principals.some((one) => one.id === id)) throw notFound("principal", id);
  const { reason } = checkBody(reasonRequestSchema, sent.body);
  const route = `POST /api/principals/${id}/deactivate`;
  return changeOne(context, { caller, id, sent, ifMatch: null, reason, route, wanted: { active: false } });
}

async function changeOne(
  context: ControlContext,
  given: {
    caller: Caller;
    id: PrincipalId;
    sent: Sent;
    ifMatch: string | null;
    reason: string | null;
    route: string;
    wanted: object;
  },
): Promise<Answer<PrincipalChangedView>> {
  const { caller, id, sent, ifMatch, reason, route, wanted } = given;
  return changeOnce<PrincipalChangedView>(context, {
    caller,
    route,
    key: sent.key,
    body: { wanted, reason },
    subject: id,
    reason,
    ifMatch,
    tag: (present) => principalTag(present, id),
    wanted: (present) => {
      if (!present.principals.some((one) => one.id === id)) refuseFaults(missingOf(wanted));
      return { principals: [{ id, ...wanted }], groups: {}, complete: false };
    },
    place: (faults) => faults.map((fault) => ({ ...fault, path: fault.path.split(".").at(-1) ?? "" })),
    answer: (after, changes) => ({
      status: changes.some((change) => change.kind === "create") ? 201 : 200,
      value: { principal: readPrincipalView(after, id), changes: changes.map(changeInWords) },
    }),
  });
}

/** Everybody and every group, for admins. */
export async function readPeopleFile(context: ControlContext, caller: Caller): Promise<PeopleView> {
  requireScope(caller, "read");
  const present = await presentPeople(context);
  needAdmin(present, caller);
  return { state: stateOf(present), file: fileOf(present) };
}

/** What a file would change, and whether the caller may make these changes; writes nothing. */
export async function planPeople(context: ControlContext, caller: Caller, body: unknown): Promise<PeoplePlanView> {
  requireScope(caller, "administer");
  const present = await presentPeople(context);
  needAdmin(present, caller);
  const file = checkBody(peopleFileSchema, body);
  const wanted = wantedIn(file);
  refuseFaults(faultsInFile(file, faultsOfWanted(present, wanted)));
  const changes = planChanges(present, wanted);
  const named = new Set(wanted.principals.map((one) => one.id));
  return {
    state: stateOf(present),
    changes: changes.map(changeInWords),
    refused: refusePeople(present, changes, caller.principal.id)?.message ?? null,
    unnamed: present.principals.filter((one) => one.active && !named.has(one.id)).map((one) => one.id),
  };
}

/** Makes what a file says so: all of it or nothing. */
export async function applyPeople(
  context: ControlContext,
  { caller, sent, ifMatch }: { caller: Caller; sent: Sent; ifMatch: string | null },
): Promise<Answer<PeopleAppliedView>> {
  requireScope(caller, "administer");
  const file = checkBody(peopleFileSchema, sent.body);
  return changeOnce<PeopleAppliedView>(context, {
    caller,
    route: "PUT /api/people",
    key: sent.key,
    body: file,
    subject: "people",
    reason: null,
    ifMatch,
    tag: stateOf,
    wanted: () => wantedIn(file),
    place: (faults) => faultsInFile(file, faults),
    answer: (after, changes) => ({ status: 200, value: { state: stateOf(after), changes: changes.map(changeInWords) } }),
  });
}

function needAdmin(present: People, caller: Caller): void {
  const refusal = refusePeople(present, [], caller.principal.id);
  if (refusal) throw new CountersignError(refusal.code, refusal.message);
}
