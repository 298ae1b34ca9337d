import { workflowIds, type ModelName } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { hint } from "../watch/run-status.ts";

/**
 * The world moved while requests about a model wait: what they show is no longer so. They take no
 * decision from here on; their workflows are told and close them, and they are asked anew.
 */
export async function markStale(
  { trx, note }: Unit,
  moved: { model: ModelName; what: "champion" | "drift"; why: string },
): Promise<void> {
  const rows = await trx
    .selectFrom("gates")
    .select(["id", "request"])
    .where("model", "=", moved.model)
    .where("release_id", "is not", null)
    .where("state", "<>", "closed")
    .where("stale", "is", null)
    .forNoKeyUpdate()
    .execute();
  for (const { id, request } of rows) {
    // A request of an earlier version of the product knows no renewal and stays as it was.
    if (request.timeline === undefined || request.freshness?.[moved.what] === false) continue;
    await trx.updateTable("gates").set({ stale: moved.why }).where("id", "=", id).execute();
    note({ kind: "gate.stale", actor: "countersign", model: moved.model, subject: id, data: { why: moved.why } });
  }
}

/** Asks the workflows of all requests that are out of date to look at their rows. A hint that is lost is given again by the watch. */
export async function tellStaleGates(deps: Pick<RecordDeps, "db" | "temporalClient">): Promise<void> {
  const { temporalClient } = deps;
  if (!temporalClient) return;
  const rows = await deps.db
    .selectFrom("gates")
    .select("id")
    .where("state", "=", "open")
    .where("stale", "is not", null)
    .execute();
  for (const { id } of rows) await hint(temporalClient, workflowIds.gate(id), { signal: "look", args: [] });
}
