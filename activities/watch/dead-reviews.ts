import type { Client } from "@temporalio/client";
import { reviewName } from "../../domain/break-glass.ts";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { giveUpReview } from "../slot/open-reviews.ts";
import { filterByAsking, hint, mostLookedAt, runStatus } from "./run-status.ts";

/** Closes reviews of a break-glass whose workflows are no more, and tells their models, which ask anew. */
export async function supersedeDeadReviews(deps: RecordDeps, client: Client, olderThan: Date): Promise<GateId[]> {
  const reviews = deps.db
    .selectFrom("gates")
    .select(["id", "model"])
    .where("name", "=", reviewName)
    .where("release_id", "is", null);
  const rows = await reviews
    .where("state", "<>", "closed")
    .where((eb) => eb(eb.fn.coalesce("opened_at", "created_at"), "<", olderThan))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(rows, async (row) => (await runStatus(client, workflowIds.gate(row.id))) !== "running");
  for (const { id } of dead) {
    const workflow = workflowIds.gate(id);
    await giveUpReview(deps, { gate: id, why: `its workflow ${workflow} ended in silence (terminated or lost)` });
  }
  // Told again for as long as nothing was asked anew: a hint may have been lost.
  const lost = await reviews.where("resolution", "=", "superseded").where("superseded_by", "is", null).execute();
  for (const { id, model } of lost)
    if (model !== null)
      await hint(client, workflowIds.lifecycle(model), { signal: "gateClosed", args: [{ gate: id, resolution: "superseded" }] });
  return dead.map((row) => row.id);
}
