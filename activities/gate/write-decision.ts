import type { Row } from "../../db/schema.ts";
import type { ReceiptKind, Resolution } from "../../domain/gate.ts";
import type { Standing } from "../../domain/attempt.ts";
import type { DecisionCommand, WithdrawalCommand } from "../../domain/signed-command.ts";
import type { Unit } from "../record/transaction.ts";

export interface WrittenDecision {
  gate: Row<"gates">;
  command: DecisionCommand;
  groupsNow: string[];
  standing: Standing;
  /** Why it does not count, or no longer; null when it does. */
  refusal: { code: ReceiptKind; message: string } | null;
}

/** A decision with what became of it, for good: rows of `decisions` are never changed. */
export async function writeDecision({ trx, note }: Unit, written: WrittenDecision): Promise<void> {
  const { gate, command, refusal, standing } = written;
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
      groups_at_close: written.groupsNow,
      counted: refusal === null,
      why_not: refusal?.message ?? null,
      token: command.signature,
      decided_at: command.at,
      on_behalf_of: standing.onBehalfOf,
      counted_as: standing.groups,
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

/** What became of the command, for the person who waits for the answer. */
export async function writeResult(
  { trx }: Unit,
  given: {
    gate: Row<"gates">;
    command: DecisionCommand | WithdrawalCommand;
    resolution: Resolution | null;
    refusal: { code: string; message: string } | null;
  },
): Promise<void> {
  const { gate, command, resolution, refusal } = given;
  const decision = command.body.kind === "decide" ? { decision: command.body.decision } : {};
  const result = {
    gate: gate.id,
    ...decision,
    resolution,
    counted: refusal === null,
    ...(refusal && { message: refusal.message }),
  };
  await trx
    .insertInto("command_results")
    .values({
      command_id: command.id,
      kind: command.body.kind,
      ok: refusal === null,
      code: refusal?.code ?? null,
      result: JSON.stringify(result),
    })
    .execute();
}

/** A decision that counts, as the audit chain keeps it: with its token, so that it can be verified offline. */
export function noteDecision({ note }: Unit, kind: "gate.decided" | "vote.cast", written: WrittenDecision): void {
  const { command, gate, standing } = written;
  const { decision, digest, seen, reason, inputs, parameters, returnTo, conditions } = command.body;
  note({
    kind,
    actor: command.principal,
    model: gate.model,
    subject: gate.id,
    data: {
      command: command.id,
      surface: command.surface,
      decision,
      digest,
      seen,
      reason,
      inputs,
      parameters,
      returnTo,
      ...(conditions && { conditions }),
      ...(standing.onBehalfOf && { onBehalfOf: standing.onBehalfOf }),
      groups: command.groups,
      decidedAt: command.at,
      token: command.signature,
    },
  });
}
