import { WorkflowNotFoundError } from "@temporalio/client";
import { sql } from "kysely";
import { workflowIds, type GateId, type ModelName } from "../../domain/ids.ts";
import { clearSlot } from "../slot/move-slot.ts";
import { hint } from "../watch/run-status.ts";
import type { RecordDeps } from "./deps.ts";
import { endRow } from "./end-release.ts";
import type { Unit } from "./transaction.ts";

interface Retirement {
  model: ModelName;
  by: string;
  reason: string;
  /** What brought it: the gate that approved, or the command where the policy has none. */
  through: { gate: GateId } | { command: string };
}

/** Stands in the ended row until its workflow was told, so that a crash in between loses nothing. */
const toBeStopped = "Its work is being stopped.";

/**
 * Takes a model out of use for ever, in the caller's transaction: its releases end as withdrawn,
 * whatever serves is taken out of service, what monitoring asked of it is answered by that. A review
 * of a break-glass stays open: what was done then is answered for all the same. Locks the model
 * before its releases, and those before its slots.
 */
export async function retireModel(unit: Unit, { model, by, reason, through }: Retirement): Promise<void> {
  const { trx, note } = unit;
  const present = await trx
    .selectFrom("models")
    .select("state")
    .where("name", "=", model)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  if (present.state === "retired") return;
  await trx.updateTable("models").set({ state: "retired", updated_at: new Date() }).where("name", "=", model).execute();
  note({ kind: "model.retired", actor: by, model, subject: model, data: { ...through, reason, from: present.state } });
  await endReleases(unit, model);
  await emptySlots(unit, { model, by, reason: `${model} was retired: ${reason}` });
  await answerFindings(unit, { model, by });
}

async function endReleases(unit: Unit, model: ModelName): Promise<void> {
  const { trx } = unit;
  const { rows } = await sql<{ id: string; moved: boolean }>`
    select r.id, exists (select 1 from deployments d where d.version_id = r.id and d.kind = 'promote') as moved
    from releases r where r.model = ${model} and r.state <> 'ended' order by r.number for no key update of r`.execute(trx);
  for (const { id, moved } of rows) {
    // A version that has served was promoted, whatever becomes of the rest of its release.
    const outcome = moved ? "promoted" : "withdrawn";
    await endRow(unit, { release: id, outcome, next: null, summary: `${model} was retired.` });
    await trx.updateTable("releases").set({ waits_for: toBeStopped }).where("id", "=", id).execute();
  }
}

async function emptySlots(unit: Unit, of: { model: ModelName; by: string; reason: string }): Promise<void> {
  const slots = await unit.trx
    .selectFrom("slots")
    .selectAll()
    .where("model", "=", of.model)
    .where("champion_version", "is not", null)
    .orderBy("environment")
    .execute();
  for (const slot of slots) await clearSlot(unit, { slot, by: of.by, reason: of.reason });
}

async function answerFindings({ trx, note }: Unit, { model, by }: { model: ModelName; by: string }): Promise<void> {
  const closing = `${model} was retired.`;
  const closed = await trx
    .updateTable("findings")
    .set({ closed_at: new Date(), closed_by: by, closing })
    .where("model", "=", model)
    .where("kind", "<>", "break-glass")
    .where("closed_at", "is", null)
    .returning("id")
    .execute();
  for (const { id } of closed) note({ kind: "finding.closed", actor: by, model, subject: id, data: { reason: closing } });
}

/** How long after a retirement the workflows of what it ended are told so, again and again: a hint may be lost. */
const toldFor = "10 minutes";

/** Stops the workflows of what retirements ended. Called after the commit, and by the watch for what was lost in between. */
export async function stopRetired({ db, temporalClient }: Pick<RecordDeps, "db" | "temporalClient">): Promise<void> {
  if (!temporalClient) return;
  const { rows: gates } = await sql<{ id: GateId }>`
    select g.id from gates g join models m on m.name = g.model
    where m.state = 'retired' and m.updated_at > now() - ${toldFor}::interval
      and g.state = 'closed' and g.closed_at >= m.updated_at - interval '1 minute'`.execute(db);
  for (const { id } of gates) await hint(temporalClient, workflowIds.gate(id), { signal: "look", args: [] });
  const releases = await db
    .selectFrom("releases")
    .select(["id", "model"])
    .where("state", "=", "ended")
    .where("waits_for", "=", toBeStopped)
    .execute();
  for (const { id, model } of releases) {
    try {
      await temporalClient.workflow.getHandle(workflowIds.release(id)).cancel();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      // It waited for its turn and has no workflow; its model is told that it will have none.
      await hint(temporalClient, workflowIds.lifecycle(model), { signal: "releaseEnded", args: [{ release: id }] });
    }
    await db.updateTable("releases").set({ waits_for: null }).where("id", "=", id).execute();
  }
}
