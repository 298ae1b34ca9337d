import type { Db, Trx } from "../db/database.ts";
import { quorumRuleOf } from "../db/reads/attempt-facts.ts";
import type { Row } from "../db/schema.ts";
import { CountersignError } from "../domain/errors.ts";
import type { PrincipalId } from "../domain/ids.ts";
import { resolve, type Vote } from "../domain/quorum.ts";
import type { SignedCommand } from "../domain/signed-command.ts";
import type { CommandVerifier } from "./verify-command.ts";

/** Who closed the gate, after every token behind it was verified again. Throws `not-signed`. */
export async function verifyDecisions(trx: Db | Trx, verifier: CommandVerifier, gate: Row<"gates">): Promise<PrincipalId> {
  const rows = await trx
    .selectFrom("decisions")
    .selectAll()
    .where("gate_id", "=", gate.id)
    .where("counted", "=", true)
    .orderBy("recorded_at")
    .execute();
  const barred = new Set(gate.request.excluded.map((one) => one.principal));
  const votes = rows.filter((row) => isTrue(verifier, gate, row) && !barred.has(row.principal_id)).map(asVote);
  const { resolution, by } = resolve(votes, quorumRuleOf({ request: gate.request, escalationLevel: gate.escalation_level }));
  if (resolution !== "approved" || !by)
    throw new CountersignError("not-signed", `The decisions of ${gate.id} do not carry the tokens that its approval needs.`);
  return by.principal;
}

function isTrue(verifier: CommandVerifier, gate: Row<"gates">, row: Row<"decisions">): boolean {
  const command: SignedCommand = {
    id: row.command_id,
    principal: row.principal_id,
    groups: row.groups_then,
    surface: row.surface,
    at: row.decided_at.toISOString(),
    body: row.body,
    signature: row.token,
  };
  return (
    row.body.gate === gate.id &&
    row.body.digest === gate.request_digest &&
    row.body.decision === row.decision &&
    verifier.verify(command)
  );
}

function asVote(row: Row<"decisions">): Vote {
  return {
    command: row.command_id,
    principal: row.principal_id,
    decision: row.decision,
    at: row.decided_at.toISOString(),
    // Of her own groups only those that control signed as hers; a delegate's are the giver's.
    groups: row.on_behalf_of === null ? row.counted_as.filter((group) => row.groups_then.includes(group)) : row.counted_as,
    onBehalfOf: row.on_behalf_of,
  };
}
