import { changePeople, readPeople } from "../db/people.ts";
import { CountersignError, type Fault } from "../domain/errors.ts";
import type { PrincipalId } from "../domain/ids.ts";
import {
  faultsOfWanted,
  planChanges,
  refusePeople,
  type People,
  type PeopleChange,
  type WantedPeople,
} from "../domain/people-rules.ts";
import type { Answer } from "./answer.ts";
import type { Caller } from "./caller.ts";
import { refuseOnRecord } from "./command-run.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";

/** One change of people as some surface asked for it, checked in form. */
export interface PeopleCommand<Value> {
  caller: Caller;
  route: string;
  key: string | null;
  /** As it was checked. */
  body: unknown;
  /** The group or principal that it is about; `people` for a whole file. */
  subject: string;
  reason: string | null;
  ifMatch: string | null;
  /** What If-Match is compared with; null: there is none yet. */
  tag(present: People): string | null;
  wanted(present: People): WantedPeople;
  /** Puts faults where the sender wrote what is wrong. */
  place?(faults: Fault[]): Fault[];
  answer(after: People, changes: PeopleChange[]): { status: number; value: Value };
}

/**
 * Changes people once: under one lock it looks who asks, what there is, what would change and who
 * gains, and writes all or nothing with its audit. Every refusal is on record.
 */
export async function changeOnce<Value>(context: ControlContext, command: PeopleCommand<Value>): Promise<Answer<Value>> {
  const { caller, route, key, body, reason, subject } = command;
  const once = { caller, route, key, body: { body, ifMatch: command.ifMatch } };
  return runOnce<Value>(context, once, async (begun) => {
    const by = { actor: caller.principal.id, command: begun.id, reason };
    try {
      const { people, changes } = await changePeople(context.db, by, (present) => judge(present, command));
      return { kind: "done", ...command.answer(people, changes) };
    } catch (error) {
      if (!(error instanceof CountersignError) || !onRecord.has(error.code)) throw error;
      return refuseOnRecord(context, { caller, kind: "change-people", subject, model: null, error });
    }
  });
}

const onRecord = new Set(["forbidden", "own-benefit", "last-admin"]);

function judge<Value>(present: People, command: PeopleCommand<Value>): PeopleChange[] {
  const by = command.caller.principal.id;
  throwRefusal(present, [], by);
  const { ifMatch } = command;
  const tag = command.tag(present);
  if (ifMatch !== null && !(tag !== null && (ifMatch === "*" || ifMatch === tag)))
    throw new CountersignError(
      "precondition-failed",
      `If-Match names another state of ${command.subject}: ${tag === null ? "there is none yet" : `it is ${tag} now`}.`,
    );
  const wanted = command.wanted(present);
  refuseFaults(command.place?.(faultsOfWanted(present, wanted)) ?? faultsOfWanted(present, wanted));
  const changes = planChanges(present, wanted);
  throwRefusal(present, changes, by);
  return changes;
}

function throwRefusal(present: People, changes: PeopleChange[], by: PrincipalId): void {
  const refusal = refusePeople(present, changes, by);
  if (refusal) throw new CountersignError(refusal.code, refusal.message);
}

export function refuseFaults(faults: Fault[]): void {
  if (faults.length === 0) return;
  const words = faults.slice(0, 5).map((fault) => `${fault.path}: ${fault.message}`);
  throw new CountersignError("invalid", `This cannot be so: ${words.join("; ")}${faults.length > 5 ? "; …" : "."}`, { faults });
}

/** The rules' own look at present people, for plans. */
export async function presentPeople(context: ControlContext): Promise<People> {
  return readPeople(context.db);
}
