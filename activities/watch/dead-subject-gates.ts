import { WorkflowExecutionAlreadyStartedError, type Client } from "@temporalio/client";
import { workflowIds, type Digest, type GateId } from "../../domain/ids.ts";
import { taskQueues } from "../contract.ts";
import { endUndecided } from "../gate/fall-due.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

/**
 * Open gates that belong to no release and whose workflows are no more. The request of a definition, a
 * policy, a retirement or a review goes on in a new run: frozen it is, its votes are in the database,
 * and nobody else would ask again. The starter of a foreign one learned of the death itself and asks
 * anew under another id; here it is closed. Gives the gates found dead.
 */
export async function reviveDeadGates(deps: RecordDeps, client: Client, olderThan: Date): Promise<GateId[]> {
  const rows = await deps.db
    .selectFrom("gates")
    .select(["id", "request_digest as digest"])
    .where("state", "<>", "closed")
    .where("release_id", "is", null)
    .where((eb) => eb(eb.fn.coalesce("opened_at", "created_at"), "<", olderThan))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(rows, async (row) => (await runStatus(client, workflowIds.gate(row.id))) !== "running");
  for (const { id, digest } of dead) {
    const foreign = id.startsWith("ext.");
    if ((await noteDeath(deps, id, foreign)) && !foreign) await startAgain(deps, client, { gate: id, digest });
  }
  return dead.map((row) => row.id);
}

async function noteDeath(deps: RecordDeps, gate: GateId, foreign: boolean): Promise<boolean> {
  return inTransaction(deps.db, async (unit: Unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirstOrThrow();
    if (row.state === "closed") return false;
    const workflow = workflowIds.gate(gate);
    unit.note({ kind: "workflow.died", actor: "unknown", model: row.model, subject: gate, data: { workflow } });
    const why = `Its workflow ${workflow} ended in silence (terminated or lost).`;
    if (foreign) await endUndecided(deps, unit, row, { resolution: "superseded", why });
    return true;
  });
}

async function startAgain(deps: RecordDeps, client: Client, frozen: { gate: GateId; digest: Digest }): Promise<void> {
  const searchable = (await deps.searchAttributes?.ready()) ?? false;
  try {
    await client.workflow.start("gate", {
      workflowId: workflowIds.gate(frozen.gate),
      workflowIdReusePolicy: "ALLOW_DUPLICATE",
      taskQueue: taskQueues.lifecycle,
      args: [{ ...frozen, searchable }],
      staticSummary: `Gate ${frozen.gate}, again`,
    });
  } catch (error) {
    // Another round of the watch was quicker.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
