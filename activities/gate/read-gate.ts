import type { GateOutcome, GateState, Resolution } from "../../domain/gate.ts";
import type { GateId } from "../../domain/ids.ts";
import type { RequestedChanges } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { readChanges } from "../record/requested-changes.ts";
import { inTransaction } from "../record/transaction.ts";

/** What the row of a gate says: the only report of a resolution that counts. */
export async function readGate(
  { db }: RecordDeps,
  { gate }: { gate: GateId },
): Promise<{
  state: GateState;
  resolution: Resolution | null;
  changes: RequestedChanges | null;
  stale: string | null;
  outcome: GateOutcome | null;
} | null> {
  return inTransaction(db, async ({ trx }) => {
    const row = await trx
      .selectFrom("gates")
      .select(["state", "resolution", "stale", "outcome"])
      .where("id", "=", gate)
      .executeTakeFirst();
    if (!row) return null;
    const changes = await readChanges(trx, gate);
    return {
      ...row,
      changes: changes && { by: changes.by, reason: changes.reason, returnTo: changes.returnTo, parameters: changes.parameters },
    };
  });
}
