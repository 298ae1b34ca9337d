import { Context } from "@temporalio/activity";

/** Names this call of an activity over all its tries; null outside of a worker. */
export function currentCall(): string | null {
  try {
    const { workflowExecution, activityId } = Context.current().info;
    return `${workflowExecution?.workflowId}/${workflowExecution?.runId}/${activityId}`;
  } catch {
    return null;
  }
}

/**
 * Whether the activity was asked for by one of these workflows. The product's workflows have ids of
 * their own; a workflow under another id that claims to run a release or a gate was started by
 * somebody else. True outside of a worker, where there is no workflow.
 */
export function calledBy(...workflowIds: string[]): boolean {
  try {
    const caller = Context.current().info.workflowExecution?.workflowId;
    return caller !== undefined && workflowIds.includes(caller);
  } catch {
    return true;
  }
}
