import type { Unit } from "../record/transaction.ts";
import type { RecordDeps } from "../record/deps.ts";
import { writeDefinition } from "../record/write-definition.ts";
import type { Resolved } from "./effects.ts";

/** The approved definition is in force, in the transaction that closes its gate. */
export async function applyApproved(_deps: RecordDeps, unit: Unit, { gate, resolution }: Resolved): Promise<void> {
  if (resolution !== "approved") return;
  const { trx, note } = unit;
  const change = await trx.selectFrom("definition_changes").selectAll().where("gate_id", "=", gate.id).executeTakeFirstOrThrow();
  const model = await trx
    .selectFrom("models")
    .selectAll()
    .where("name", "=", change.model)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  const { body } = await trx
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", change.model)
    .where("digest", "=", change.definition_digest)
    .executeTakeFirstOrThrow();
  const about = { actor: "countersign" as const, model: change.model, subject: change.model };
  // Every change of the definition ends the request that waits; a retired model takes none.
  if (model.state === "retired" || model.definition_digest !== change.previous_digest)
    return note({ kind: "definition.outdated", ...about, data: { gate: gate.id, inForce: model.definition_digest } });
  await writeDefinition(unit, {
    definition: body,
    digest: change.definition_digest,
    by: change.proposed_by,
    command: change.command_id,
    gate: gate.id,
    governed: change.changes,
  });
}
