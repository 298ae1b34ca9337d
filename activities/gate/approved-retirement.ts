import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import type { Resolved } from "./effects.ts";

/** The model is retired in the transaction that closes its gate. */
export async function retireApproved(_deps: RecordDeps, unit: Unit, { gate, resolution }: Resolved): Promise<void> {
  if (resolution !== "approved" || gate.model === null) return;
  const { trx, note } = unit;
  const model = await trx
    .selectFrom("models")
    .select("state")
    .where("name", "=", gate.model)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  if (model.state === "retired") return;
  await trx.updateTable("models").set({ state: "retired", updated_at: new Date() }).where("name", "=", gate.model).execute();
  const { requestedBy, reason } = gate.request.evidence;
  note({
    kind: "model.retired",
    actor: requestedBy,
    model: gate.model,
    subject: gate.model,
    data: { gate: gate.id, reason, from: model.state },
  });
}
