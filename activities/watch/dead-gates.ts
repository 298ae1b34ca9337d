import type { Client } from "@temporalio/client";
import { workflowIds, type GateId, type ReleaseId } from "../../domain/ids.ts";
import { closeUndecided } from "../gate/close-undecided.ts";
import type { RecordDeps } from "../record/deps.ts";
import { lockRelease } from "../record/pinned-release.ts";
import { inTransaction } from "../record/transaction.ts";
import { deadRequests, diedInSilence, type Searched } from "./dead-requests.ts";
import { hint } from "./run-status.ts";

/**
 * Closes open gates whose workflows are no more as superseded and tells their releases, which ask
 * anew with the next request: nobody could have decided on the old one.
 */
export async function supersedeDeadGates(deps: RecordDeps, searched: Searched): Promise<GateId[]> {
  const dead = await deadRequests(searched, (eb) => eb("release_id", "is not", null));
  const closed: GateId[] = [];
  for (const { id, release_id } of dead)
    if (release_id !== null && (await supersede(deps, { gate: id, release: release_id }))) closed.push(id);
  await tellReleases(deps, searched.client);
  return closed;
}

async function supersede(deps: RecordDeps, { gate, release }: { gate: GateId; release: ReleaseId }): Promise<boolean> {
  return inTransaction(deps.db, async (unit) => {
    const row = await lockRelease(unit.trx, release);
    const present = await unit.trx.selectFrom("gates").select("state").where("id", "=", gate).executeTakeFirst();
    if (!row || present?.state === "closed") return false;
    const workflow = workflowIds.gate(gate);
    unit.note({ kind: "workflow.died", actor: "unknown", model: row.model, subject: gate, data: { workflow } });
    await closeUndecided(unit, {
      release,
      resolution: "superseded",
      by: "countersign",
      why: `${diedInSilence(workflow)} It is asked anew.`,
    });
    return true;
  });
}

/** As long as a release waits at a superseded gate and has not asked anew, it is told again: a hint may have been lost. */
async function tellReleases(deps: RecordDeps, client: Client): Promise<void> {
  const rows = await deps.db
    .selectFrom("gates")
    .innerJoin("releases", "releases.id", "gates.release_id")
    .select(["gates.id", "releases.id as release"])
    .where("gates.resolution", "=", "superseded")
    .where("gates.superseded_by", "is", null)
    .where("releases.state", "in", ["running", "waiting"])
    .execute();
  for (const { id, release } of rows)
    await hint(client, workflowIds.release(release), { signal: "gateClosed", args: [{ gate: id, resolution: "superseded" }] });
}
