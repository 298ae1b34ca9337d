import type { RecordDeps } from "../record/deps.ts";
import { retireModel } from "../record/retire-model.ts";
import type { Unit } from "../record/transaction.ts";
import type { Resolved } from "./effects.ts";

/** The model is retired in the transaction that closes its gate, in the name of who asked for it. */
export async function retireApproved(_deps: RecordDeps, unit: Unit, { gate, resolution }: Resolved): Promise<void> {
  if (resolution !== "approved" || gate.model === null) return;
  const { requestedBy: by, reason } = gate.request.evidence;
  await retireModel(unit, { model: gate.model, by, reason, through: { gate: gate.id } });
}
