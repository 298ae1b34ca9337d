import type {
  DelegationView,
  GroupChangedView,
  PeopleAppliedView,
  PeoplePlanView,
  PeopleView,
  PrincipalChangedView,
  PrincipalView,
  TokenMadeView,
  TokenView,
} from "../domain/http/people-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import type { PrincipalId } from "../domain/ids.ts";
import type { Answer } from "./answer.ts";
import type { Asked, Caller, Sent } from "./caller.ts";
import type { PageInput } from "./contract.ts";
import { giveDelegation, readDelegations, revokeDelegation } from "./delegations.ts";
import type { ControlContext } from "./deps.ts";
import {
  applyPeople,
  changeGroup,
  changePrincipal,
  deactivate,
  planPeople,
  readPeopleFile,
  type AskedWith,
} from "./people-commands.ts";
import { listPrincipals, readGroup, readPrincipal, type PlainGroup } from "./people-reads.ts";
import { endToken, makeToken, readTokens } from "./tokens.ts";

/** The part of the one door that is about people, groups, tokens and delegations. Reads throw, commands answer, as in `Control`. */
export interface PeopleControl {
  group(caller: Caller, group: string): Promise<{ view: PlainGroup; tag: string }>;
  changeGroup(asked: AskedWith): Promise<Answer<GroupChangedView>>;
  principals(caller: Caller, page: PageInput): Promise<Page<PrincipalView>>;
  principal(caller: Caller, id: PrincipalId): Promise<{ view: PrincipalView; tag: string }>;
  changePrincipal(asked: AskedWith): Promise<Answer<PrincipalChangedView>>;
  deactivate(asked: Asked): Promise<Answer<PrincipalChangedView>>;
  file(caller: Caller): Promise<PeopleView>;
  plan(caller: Caller, body: unknown): Promise<PeoplePlanView>;
  apply(asked: { caller: Caller; sent: Sent; ifMatch: string | null }): Promise<Answer<PeopleAppliedView>>;
  tokens(caller: Caller, filter: PageInput & { principal?: PrincipalId | undefined }): Promise<Page<TokenView>>;
  makeToken(asked: Omit<Asked, "about">): Promise<Answer<TokenMadeView>>;
  endToken(asked: { caller: Caller; about: string; sent: Pick<Sent, "key"> }): Promise<Answer<TokenView>>;
  delegations(caller: Caller, filter: PageInput & { all?: boolean | undefined }): Promise<Page<DelegationView>>;
  delegate(asked: Omit<Asked, "about">): Promise<Answer<DelegationView>>;
  revokeDelegation(asked: Asked): Promise<Answer<DelegationView>>;
}

export function createPeopleControl(context: ControlContext): PeopleControl {
  return {
    group: (caller, group) => readGroup(context, caller, group),
    changeGroup: (asked) => changeGroup(context, asked),
    principals: (caller, page) => listPrincipals(context, caller, page),
    principal: (caller, id) => readPrincipal(context, caller, id),
    changePrincipal: (asked) => changePrincipal(context, asked),
    deactivate: (asked) => deactivate(context, asked),
    file: (caller) => readPeopleFile(context, caller),
    plan: (caller, body) => planPeople(context, caller, body),
    apply: (asked) => applyPeople(context, asked),
    tokens: (caller, filter) => readTokens(context, caller, filter),
    makeToken: (asked) => makeToken(context, asked),
    endToken: (asked) => endToken(context, asked),
    delegations: (caller, filter) => readDelegations(context, caller, filter),
    delegate: (asked) => giveDelegation(context, asked),
    revokeDelegation: (asked) => revokeDelegation(context, asked),
  };
}
