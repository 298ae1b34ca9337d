import type { Row } from "../../db/schema.ts";
import type { Resolution } from "../../domain/gate.ts";
import type { Unit } from "../record/transaction.ts";
import type { Ballot } from "./ballot.ts";

/** A verified decision with what became of it, for the record and for the person who waits for the answer. */
export async function writeDecision(
  { trx, note }: Unit,
  given: { gate: Row<"gates">; resolution: Resolution | null; ballot: Ballot },
): Promise<void> {
  const { gate, resolution, ballot } = given;
  const { command, refusal } = ballot;
  const { decision, digest, seen, reason } = command.body;
  await trx
    .insertInto("decisions")
    .values({
      command_id: command.id,
      gate_id: gate.id,
      principal_id: command.principal,
      decision,
      request_digest: digest,
      seen,
      reason,
      body: JSON.stringify(command.body),
      surface: command.surface,
      groups_then: command.groups,
      groups_at_close: ballot.groupsNow,
      counted: refusal === null,
      why_not: refusal?.message ?? null,
      token: command.signature,
      decided_at: command.at,
    })
    .execute();
  const result = { gate: gate.id, decision, resolution, counted: refusal === null, ...(refusal && { message: refusal.message }) };
  await trx
    .insertInto("command_results")
    .values({
      command_id: command.id,
      kind: "decide",
      ok: refusal === null,
      code: refusal?.code ?? null,
      result: JSON.stringify(result),
    })
    .execute();
  if (refusal)
    note({
      kind: "decision.not-counted",
      actor: command.principal,
      model: gate.model,
      subject: gate.id,
      data: {
        command: command.id,
        surface: command.surface,
        decision,
        digest,
        code: refusal.code,
        why: refusal.message,
        decidedAt: command.at,
      },
    });
}
