import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { getExternalWorkflowHandle, ParentClosePolicy, startChild, WorkflowIdReusePolicy } from "@temporalio/workflow";
import type { StartedGate } from "../domain/subject-gates.ts";
import { workflowIds, type GateId } from "../domain/ids.ts";
import { gate as gateWorkflow } from "./gate.ts";
import { lookSignal } from "./messages.ts";
import { record } from "./records.ts";
import { pairs } from "./search-attributes.ts";

/** After so many taken ids in a row somebody means it; the watch goes on asking anew. */
const mostTaken = 5;

/**
 * Starts the gate of a frozen request about a policy, a definition or a retirement. It outlives
 * whoever starts it. An id that somebody else's workflow has is asked anew under the next one.
 */
export async function startSubjectGate(frozen: StartedGate, searchable: boolean): Promise<void> {
  let asked: StartedGate | null = frozen;
  for (let taken = 0; asked !== null && taken < mostTaken; taken += 1) {
    if (await start(asked, searchable)) return;
    const workflow = workflowIds.gate(asked.gate);
    const why = `The workflow id ${workflow} was taken by a workflow that Countersign did not start.`;
    asked = await record(`Asks anew: ${workflow} was taken`).askSubjectAnew({ gate: asked.gate, why, taken: true });
  }
}

async function start({ gate, digest }: StartedGate, searchable: boolean): Promise<boolean> {
  try {
    await startChild(gateWorkflow, {
      workflowId: workflowIds.gate(gate),
      args: [{ gate, digest, searchable }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `Gate ${gate}`,
      ...(searchable && { typedSearchAttributes: pairs({ gate, state: "opening" }) }),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** A request that something newer ended: its workflow is told to look at its row. The watch tells it again where this is lost. */
export async function tellEnded(gate: GateId): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowIds.gate(gate)).signal(lookSignal);
  } catch {
    // It has closed by itself.
  }
}
