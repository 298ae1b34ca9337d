import { recordAttempt } from "../db/attempts.ts";
import { attemptFacts, readAttempt, tallyOf, type AttemptRow } from "../db/reads/attempt-facts.ts";
import { refuseAttempt, type Refusal } from "../domain/attempt.ts";
import { CountersignError } from "../domain/errors.ts";
import { receiptStatus, type DecisionKind, type ReceiptKind } from "../domain/gate.ts";
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

/** What the quorum still lacks, in words; nothing once the gate is closed. */
export function missingOf(row: AttemptRow): string[] {
  return row.state === "closed" ? [] : tallyOf(row).missingWords;
}

/** What Postgres can settle of an attempt, in the published order; null: ask the workflow. */
export function refusalOf(attempt: Attempt, row: AttemptRow): Refusal | null {
  const { gate, by, decision, digest, at } = attempt;
  return refuseAttempt(attemptFacts(row, { gate, principal: by.id, decision, digest, at }));
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
    missing: missingOf(row),
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
