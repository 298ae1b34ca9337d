import { workflowIds } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { closeFailed } from "../record/reproductions.ts";
import { inTransaction } from "../record/transaction.ts";
import type { Searched } from "./dead-requests.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

/** Closes reproductions whose workflows are no more: their version can be trained again at once. */
export async function endDeadReproductions(deps: RecordDeps, { client, olderThan }: Searched): Promise<string[]> {
  const rows = await deps.db
    .selectFrom("reproductions")
    .select(["id", "version_id", "requested_by"])
    .where("ended_at", "is", null)
    .where("at", "<", olderThan)
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(
    rows,
    async ({ id }) => (await runStatus(client, workflowIds.reproduction(id))) !== "running",
  );
  for (const { id, version_id: version, requested_by: by } of dead)
    await inTransaction(deps.db, async ({ trx, note }) => {
      const open = await trx.selectFrom("reproductions").select("ended_at").where("id", "=", id).forUpdate().executeTakeFirst();
      // It came to its end between the question and this transaction.
      if (open?.ended_at !== null) return;
      const message = `Its workflow ${workflowIds.reproduction(id)} ended in silence (terminated or lost).`;
      await closeFailed({ trx, note }, { id, version, by, fault: { code: "transient", message } });
    });
  return dead.map(({ id }) => id);
}
