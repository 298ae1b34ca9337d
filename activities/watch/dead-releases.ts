import type { Client } from "@temporalio/client";
import { parseReleaseId, workflowIds, type ReleaseId } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { endRow } from "../record/end-release.ts";
import { inTransaction } from "../record/transaction.ts";
import type { Searched } from "./dead-requests.ts";
import { filterByAsking, hint, mostLookedAt, runStatus } from "./run-status.ts";

/** Told to the model after the commit; until then this stands in the ended row, so that a crash in between loses nothing. */
const toBeTold = "Its model is being told.";

/** Ends releases whose workflows are no more, as abandoned, and tells their models. */
export async function endDeadReleases(deps: RecordDeps, { client, olderThan, only }: Searched): Promise<ReleaseId[]> {
  const rows = await deps.db
    .selectFrom("releases")
    .select(["id", "state"])
    .where("state", "<>", "ended")
    .where("created_at", "<", olderThan)
    .$if(only !== undefined, (query) => query.where("id", "=", only ?? ""))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const dead = await filterByAsking(rows, async (row) => {
    const status = await runStatus(client, workflowIds.release(row.id));
    // A queued release has no workflow yet; one that has been and is over died before it began.
    return row.state === "queued" ? status === "over" : status !== "running";
  });
  const ended: ReleaseId[] = [];
  for (const { id } of dead) if (await end(deps, client, id)) ended.push(id);
  await tellModels(deps, client);
  return ended;
}

async function end(deps: RecordDeps, client: Client, release: ReleaseId): Promise<boolean> {
  const { gates, isOver } = await inTransaction(deps.db, async (unit) => {
    const open = await unit.trx
      .selectFrom("gates")
      .select("id")
      .where("release_id", "=", release)
      .where("state", "<>", "closed")
      .execute();
    const workflow = workflowIds.release(release);
    const moved = await unit.trx
      .selectFrom("deployments")
      .select("id")
      .where("version_id", "=", release)
      .where("kind", "=", "promote")
      .executeTakeFirst();
    // A version that serves was promoted, whatever became of the rest of its release.
    const outcome = moved ? "promoted" : "abandoned";
    const ended = await endRow(unit, {
      release,
      outcome,
      next: null,
      summary: `Its workflow ${workflow} ended in silence (terminated or lost).`,
    });
    if (!ended) return { gates: [], isOver: false };
    await unit.trx.updateTable("releases").set({ waits_for: toBeTold }).where("id", "=", release).execute();
    unit.note({
      kind: "workflow.died",
      actor: "unknown",
      model: parseReleaseId(release)?.model ?? null,
      subject: release,
      data: { workflow },
    });
    return { gates: open, isOver: true };
  });
  for (const gate of gates) await hint(client, workflowIds.gate(gate.id), { signal: "look", args: [] });
  return isOver;
}

async function tellModels(deps: RecordDeps, client: Client): Promise<void> {
  const rows = await deps.db
    .selectFrom("releases")
    .select(["id", "model"])
    .where("state", "=", "ended")
    .where("waits_for", "=", toBeTold)
    .execute();
  for (const { id, model } of rows) {
    await hint(client, workflowIds.lifecycle(model), { signal: "releaseEnded", args: [{ release: id }] });
    await deps.db.updateTable("releases").set({ waits_for: null }).where("id", "=", id).execute();
  }
}
