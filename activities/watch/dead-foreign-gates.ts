import { workflowIds, type GateId } from "../../domain/ids.ts";
import { endUndecided } from "../gate/fall-due.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";
import { deadRequests, diedInSilence, type Searched } from "./dead-requests.ts";

/**
 * Closes open gates of other people's workflows that died in silence: whoever started one learned of
 * its death from Temporal, and asks anew under another id. Gives the gates that were closed.
 */
export async function endDeadForeignGates(deps: RecordDeps, searched: Searched): Promise<GateId[]> {
  const dead = await deadRequests(searched, (eb) => eb("id", "like", "ext.%"));
  for (const { id } of dead) await end(deps, id);
  return dead.map((row) => row.id);
}

async function end(deps: RecordDeps, gate: GateId): Promise<void> {
  await inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirstOrThrow();
    if (row.state === "closed") return;
    const workflow = workflowIds.gate(gate);
    unit.note({ kind: "workflow.died", actor: "unknown", model: null, subject: gate, data: { workflow } });
    await endUndecided({ deps, unit, gate: row }, { resolution: "superseded", why: diedInSilence(workflow) });
  });
}
