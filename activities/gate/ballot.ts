import type { Trx } from "../../db/database.ts";
import { attemptFacts, readAttempt, type AttemptRow } from "../../db/reads/attempt-facts.ts";
import { refuseAttempt, type AttemptFacts, type Refusal, type Standing } from "../../domain/attempt.ts";
import { formFaults } from "../../domain/decision-form.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { ReceiptKind } from "../../domain/gate.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";

/** One verified decision, judged by what the database says at this moment. */
export interface Ballot {
  command: DecisionCommand;
  row: AttemptRow;
  /** By what right it is made; one who escalates as the owner has none. */
  standing: Standing;
  /** Why it does not count; null when it does. */
  refusal: { code: ReceiptKind; message: string } | null;
}

/** By the same rules by which control answers, read anew: membership, delegations, contributions, the person's own vote. */
export async function judge(trx: Trx, command: DecisionCommand): Promise<Ballot> {
  const { row, facts } = await read(trx, command);
  const refusal = refuseForm(command, row) ?? refuseAttempt(facts);
  const found = refusal && { code: refusal.receipt, message: refusal.message };
  return { command, row, standing: facts.standing ?? { groups: [], onBehalfOf: null }, refusal: found };
}

/** The same for a vote that waits already: would it still be taken? */
export async function judgeAgain(trx: Trx, command: DecisionCommand): Promise<Ballot> {
  const { row, facts } = await read(trx, command);
  const refusal = refuseAttempt({ ...facts, ownVote: null });
  const found = refusal ? { code: refusal.receipt, message: refusal.message } : null;
  return { command, row, standing: facts.standing ?? { groups: [], onBehalfOf: null }, refusal: found };
}

async function read(trx: Trx, command: DecisionCommand): Promise<{ row: AttemptRow; facts: AttemptFacts }> {
  const { gate, decision, digest } = command.body;
  const row = await readAttempt(trx, gate, command.principal);
  if (!row) throw new CountersignError("not-found", `There is no gate ${gate}.`);
  return { row, facts: attemptFacts(row, { gate, principal: command.principal, decision, digest, at: command.at }) };
}

function refuseForm({ body, at }: DecisionCommand, row: AttemptRow): Refusal | null {
  const faults = formFaults(body, row.request, at);
  if (faults.length === 0) return null;
  return { receipt: "invalid", message: faults.map((fault) => `${fault.path}: ${fault.message}`).join("; ") };
}
