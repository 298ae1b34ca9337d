import { recordAttempt } from "../db/attempts.ts";
import { readAttempt, type AttemptRow } from "../db/reads/attempt-facts.ts";
import { CountersignError } from "../domain/errors.ts";
import {
  missingInWords,
  receiptStatus,
  refuseAttempt,
  resolve,
  type AttemptFacts,
  type DecisionKind,
  type ReceiptKind,
  type Refusal,
  type Vote,
} from "../domain/gate.ts";
import type { ReceiptView } from "../domain/http/gate-views.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { Principal, Surface } from "../domain/principal.ts";
import type { DecisionCommand } from "../domain/signed-command.ts";
import type { Outcome } from "./answer.ts";
import type { ControlContext } from "./deps.ts";

/** One decision attempt: what was asked, by whom, and what the database says about it at one moment. */
export interface Attempt {
  gate: GateId;
  by: Pick<Principal, "id" | "kind">;
  surface: Surface;
  at: string;
  decision: DecisionKind;
  digest: Digest;
}

export function attemptOf(command: DecisionCommand, kind: Principal["kind"]): Attempt {
  const { gate, decision, digest } = command.body;
  return { gate, by: { id: command.principal, kind }, surface: command.surface, at: command.at, decision, digest };
}

export function votesOf(row: AttemptRow): Vote[] {
  return row.votes
    .filter((vote) => vote.counted)
    .map(({ command, principal, decision, at }) => ({ command, principal, decision, at }));
}

export function missingOf(row: Pick<AttemptRow, "state" | "deciderGroups" | "quorum">, votes: Vote[]): string[] {
  if (row.state === "closed") return [];
  return missingInWords(resolve(votes, { quorum: row.quorum }).missing, row.deciderGroups);
}

/** What Postgres can settle of an attempt, in the published order; null: ask the workflow. */
export function refusalOf(attempt: Attempt, row: AttemptRow): Refusal | null {
  return refuseAttempt(factsOf(attempt, row));
}

function factsOf(attempt: Attempt, row: AttemptRow): AttemptFacts {
  const votes = votesOf(row);
  const closing = row.state === "closed" ? resolve(votes, { quorum: row.quorum }).by : null;
  const own = votes.find((vote) => vote.principal === attempt.by.id && vote.decision !== "escalate");
  return {
    principal: { id: attempt.by.id, kind: attempt.by.kind, groups: row.groups },
    heldSinceOpening: row.heldSinceOpening,
    gate: { id: attempt.gate, state: row.state, resolution: row.resolution, digest: row.digest },
    deciderGroups: row.deciderGroups,
    excluded: row.excluded,
    earlierDigests: row.earlierDigests,
    supersededBy: row.supersededBy,
    closedBy:
      row.closedAt === null
        ? null
        : { by: closing?.principal ?? null, at: closing?.at ?? row.closedAt.toISOString(), how: closing?.decision ?? null },
    ownVote: own ? { decision: own.decision } : null,
    asked: { decision: attempt.decision, digest: attempt.digest },
  };
}

export function receiptOf(attempt: Attempt, row: AttemptRow, given: { receipt: ReceiptKind; message: string }): ReceiptView {
  const { gate, by, at, decision } = attempt;
  return {
    receipt: given.receipt,
    message: given.message,
    decision,
    by: by.id,
    at,
    gate: { id: gate, state: row.state, resolution: row.resolution },
    missing: missingOf(row, votesOf(row)),
    ...(given.receipt === "superseded" && { supersededBy: row.supersededBy ?? gate }),
  };
}

/** Records a refused attempt and gives its receipt as the command's outcome. */
export async function refuse(
  context: ControlContext,
  refused: { attempt: Attempt; row: AttemptRow; refusal: Refusal },
): Promise<Outcome<ReceiptView>> {
  const { attempt, row, refusal } = refused;
  const { gate, surface, decision } = attempt;
  const { receipt, message } = refusal;
  await recordAttempt(context.db, { gate, model: row.model, by: attempt.by.id, surface, decision, receipt, message });
  return outcomeOf(receiptOf(attempt, row, refusal));
}

export function outcomeOf(receipt: ReceiptView): Outcome<ReceiptView> {
  const status = receiptStatus[receipt.receipt];
  if (receipt.receipt === "accepted" || receipt.receipt === "duplicate") return { kind: "done", status, value: receipt };
  if (receipt.receipt === "pending") throw new TypeError("A pending receipt needs its command.");
  // What is refused is a problem document that holds the receipt's members.
  return { kind: "refused", error: new CountersignError(receipt.receipt, receipt.message, { extra: { ...receipt } }) };
}

export async function readFacts(context: ControlContext, attempt: Pick<Attempt, "gate" | "by">): Promise<AttemptRow> {
  const row = await readAttempt(context.db, attempt.gate, attempt.by.id);
  if (!row) throw new CountersignError("not-found", `There is no gate ${attempt.gate}.`);
  return row;
}
