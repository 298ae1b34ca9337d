import { workflowIds, type ModelName } from "../../domain/ids.ts";
import { taskQueues } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";
import type { Searched } from "./dead-requests.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

/**
 * A model's lifecycle runs as long as there is the model: one that was terminated or lost is started again, recalls
 * from the database what is under way and goes on with what is queued.
 */
export async function reviveLifecycles(deps: RecordDeps, { db, client, olderThan }: Searched): Promise<ModelName[]> {
  const rows = await db
    .selectFrom("models")
    .select("name")
    .where("created_at", "<", olderThan)
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(
    rows,
    async ({ name }) => (await runStatus(client, workflowIds.lifecycle(name))) !== "running",
  );
  for (const { name } of dead) {
    const workflow = workflowIds.lifecycle(name);
    await inTransaction(deps.db, ({ note }) => {
      note({ kind: "workflow.died", actor: "unknown", model: name, subject: name, data: { workflow, startedAgain: true } });
      return Promise.resolve();
    });
    await client.workflow.start("lifecycle", {
      workflowId: workflow,
      taskQueue: taskQueues.lifecycle,
      args: [{ model: name }],
      workflowIdConflictPolicy: "USE_EXISTING",
      staticSummary: `The life of ${name}`,
    });
  }
  return dead.map(({ name }) => name);
}
