import { ActivityFailure } from "@temporalio/common";
import { log, workflowInfo } from "@temporalio/workflow";

/**
 * What fails for good beside a workflow's main course (a broken constraint, say) is told to the
 * operator's log, and must not end what has other things to do.
 */
export async function survive(work: () => Promise<unknown>, failed: () => void = () => undefined): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.error(`A step of ${workflowInfo().workflowId} failed for good: ${error.cause?.message ?? error.message}`);
    failed();
  }
}
