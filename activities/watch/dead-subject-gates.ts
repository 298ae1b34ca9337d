import { workflowIds, type GateId } from "../../domain/ids.ts";
import { taskQueues } from "../contract.ts";
import { askSubjectAnew } from "../gate/ask-subject-anew.ts";
import type { RecordDeps } from "../record/deps.ts";
import { deadRequests, diedInSilence, type Searched } from "./dead-requests.ts";

/**
 * Requests about policies, definitions and retirements whose workflows are no more: they are asked
 * anew, by a workflow that this starts itself, because nobody waits for them.
 */
export async function renewDeadSubjectGates(deps: RecordDeps, searched: Searched): Promise<GateId[]> {
  const dead = await deadRequests(searched, (eb) => eb("subject_kind", "in", ["policy", "definition", "retirement"]));
  for (const { id } of dead) {
    const why = `${diedInSilence(workflowIds.gate(id))} It is asked anew.`;
    const next = await askSubjectAnew(deps, { gate: id, why, taken: false });
    if (next === null) continue;
    const searchable = (await deps.searchAttributes?.ready()) ?? false;
    await searched.client.workflow.start("gate", {
      workflowId: workflowIds.gate(next.gate),
      taskQueue: taskQueues.lifecycle,
      args: [{ ...next, searchable }],
      workflowIdReusePolicy: "REJECT_DUPLICATE",
      staticSummary: `Gate ${next.gate}`,
    });
  }
  return dead.map((row) => row.id);
}
