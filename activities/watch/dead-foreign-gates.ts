import type { Client } from "@temporalio/client";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import { endUndecided } from "../gate/fall-due.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

/**
 * Closes open gates of other people's workflows that died in silence: whoever started one learned of
 * its death from Temporal, and asks anew under another id. Gives the gates that were closed.
 */
export async function endDeadForeignGates(deps: RecordDeps, client: Client, olderThan: Date): Promise<GateId[]> {
  const rows = await deps.db
    .selectFrom("gates")
    .select("id")
    .where("state", "<>", "closed")
    .where("id", "like", "ext.%")
    .where((eb) => eb(eb.fn.coalesce("opened_at", "created_at"), "<", olderThan))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(rows, async (row) => (await runStatus(client, workflowIds.gate(row.id))) !== "running");
  for (const { id } of dead) await end(deps, id);
  return dead.map((row) => row.id);
}

async function end(deps: RecordDeps, gate: GateId): Promise<void> {
  await inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirstOrThrow();
    if (row.state === "closed") return;
    const workflow = workflowIds.gate(gate);
    unit.note({ kind: "workflow.died", actor: "unknown", model: null, subject: gate, data: { workflow } });
    const why = `Its workflow ${workflow} ended in silence (terminated or lost).`;
    await endUndecided({ deps, unit, gate: row }, { resolution: "superseded", why });
  });
}
