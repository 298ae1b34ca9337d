import { workflowIds } from "../../domain/ids.ts";
import { taskQueues } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";
import type { Searched } from "./dead-requests.ts";
import { runStatus } from "./run-status.ts";

/** A courier that was terminated or lost is started again. One that never ran is started by the worker that brings messages. */
export async function reviveCourier(deps: RecordDeps, { client }: Searched): Promise<string[]> {
  const workflow = workflowIds.courier();
  if ((await runStatus(client, workflow)) !== "over") return [];
  await inTransaction(deps.db, ({ note }) => {
    note({ kind: "workflow.died", actor: "unknown", model: null, subject: workflow, data: { workflow, startedAgain: true } });
    return Promise.resolve();
  });
  await client.workflow.start("courier", {
    workflowId: workflow,
    taskQueue: taskQueues.lifecycle,
    workflowIdConflictPolicy: "USE_EXISTING",
    staticSummary: "Brings messages to people: Slack, e-mail, webhooks",
  });
  return [workflow];
}
