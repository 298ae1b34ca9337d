import { reviewName } from "../../domain/break-glass.ts";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { giveUpReview } from "../slot/open-reviews.ts";
import { deadRequests, type Searched } from "./dead-requests.ts";
import { hint } from "./run-status.ts";

/** Closes reviews of a break-glass whose workflows are no more, and tells their models, which ask anew. */
export async function supersedeDeadReviews(deps: RecordDeps, searched: Searched): Promise<GateId[]> {
  const dead = await deadRequests(searched, (eb) => eb.and([eb("name", "=", reviewName), eb("release_id", "is", null)]));
  for (const { id } of dead) {
    const workflow = workflowIds.gate(id);
    await giveUpReview(deps, { gate: id, why: `its workflow ${workflow} ended in silence (terminated or lost)` });
  }
  // Told again for as long as nothing was asked anew: a hint may have been lost.
  const lost = await deps.db
    .selectFrom("gates")
    .select(["id", "model"])
    .where("name", "=", reviewName)
    .where("release_id", "is", null)
    .where("resolution", "=", "superseded")
    .where("superseded_by", "is", null)
    .execute();
  for (const { id, model } of lost)
    if (model !== null)
      await hint(searched.client, workflowIds.lifecycle(model), {
        signal: "gateClosed",
        args: [{ gate: id, resolution: "superseded" }],
      });
  return dead.map((row) => row.id);
}
