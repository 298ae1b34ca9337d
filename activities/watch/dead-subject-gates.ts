import type { Client } from "@temporalio/client";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import { taskQueues } from "../contract.ts";
import { askSubjectAnew } from "../gate/ask-subject-anew.ts";
import type { RecordDeps } from "../record/deps.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

/**
 * Requests about policies, definitions and retirements whose workflows are no more: they are asked
 * anew, by a workflow that this starts itself, because nobody waits for them.
 */
export async function renewDeadSubjectGates(deps: RecordDeps, client: Client, olderThan: Date): Promise<GateId[]> {
  const rows = await deps.db
    .selectFrom("gates")
    .select("id")
    .where("state", "<>", "closed")
    .where("subject_kind", "in", ["policy", "definition", "retirement"])
    .where((eb) => eb(eb.fn.coalesce("opened_at", "created_at"), "<", olderThan))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(rows, async ({ id }) => (await runStatus(client, workflowIds.gate(id))) !== "running");
  for (const { id } of dead) {
    const why = `Its workflow ${workflowIds.gate(id)} ended in silence (terminated or lost); it is asked anew.`;
    const next = await askSubjectAnew(deps, { gate: id, why, taken: false });
    if (next === null) continue;
    const searchable = (await deps.searchAttributes?.ready()) ?? false;
    await client.workflow.start("gate", {
      workflowId: workflowIds.gate(next.gate),
      taskQueue: taskQueues.lifecycle,
      args: [{ ...next, searchable }],
      workflowIdReusePolicy: "REJECT_DUPLICATE",
      staticSummary: `Gate ${next.gate}`,
    });
  }
  return dead.map((row) => row.id);
}
