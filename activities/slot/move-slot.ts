import type { Row } from "../../db/schema.ts";
import { markStale } from "../gate/mark-stale.ts";
import { SlotContention } from "../record/faults.ts";
import type { Unit } from "../record/transaction.ts";
import type { Approved } from "../../approvals/approval.ts";

export interface SlotMove {
  /** Follows from what caused it, so that the same cause moves the slot once. */
  deployment: string;
  kind: "promote" | "rollback";
  /** As it was read: the epoch in it is what the write compares. */
  slot: Row<"slots">;
  version: string;
  approved: Approved;
  by: string;
  reason: string;
}

/**
 * The one statement that moves traffic: sets the champion and raises the epoch, if the epoch is
 * still the one that was read. Throws SlotContention when somebody was quicker; the transaction is
 * then done again on what it finds. Gives the new epoch.
 */
export async function moveSlot({ trx, note }: Unit, move: SlotMove): Promise<number> {
  const { slot, version, approved, kind } = move;
  const epoch = slot.epoch + 1;
  const moved = await trx
    .updateTable("slots")
    .set({ epoch, champion_version: version, champion_approval: approved.approval.id, champion_since: new Date() })
    .where("model", "=", slot.model)
    .where("environment", "=", slot.environment)
    .where("epoch", "=", slot.epoch)
    .returning("epoch")
    .executeTakeFirst();
  if (!moved) throw new SlotContention(`The slot ${slot.model}/${slot.environment} was moved meanwhile.`);
  await trx
    .insertInto("deployments")
    .values({
      id: move.deployment,
      model: slot.model,
      environment: slot.environment,
      kind,
      version_id: version,
      previous: slot.champion_version,
      share: 1,
      epoch,
      approval_id: approved.approval.id,
      by: move.by,
      reason: move.reason,
    })
    .execute();
  note({
    kind: kind === "promote" ? "deployment.promoted" : "deployment.rolled-back",
    actor: move.by,
    model: slot.model,
    subject: version,
    data: {
      deployment: move.deployment,
      environment: slot.environment,
      epoch,
      digest: approved.approval.version_digest,
      previous: slot.champion_version,
      approval: approved.approval.id,
      reason: move.reason,
    },
  });
  if (kind === "promote" && slot.champion_version !== null)
    await answerFindings(
      { trx, note },
      { version: slot.champion_version, by: move.by, closing: `${version} is the champion instead.` },
    );
  await markStale(
    { trx, note },
    {
      model: slot.model,
      what: "champion",
      why: `The champion of ${slot.environment} is ${version} since the request was frozen, before it ${slot.champion_version ?? "there was none"}.`,
    },
  );
  return epoch;
}

/** Takes the champion away and puts none in its place: nothing is left that may serve. */
export async function clearSlot(
  { trx, note }: Unit,
  { slot, by, reason }: { slot: Row<"slots">; by: string; reason: string },
): Promise<void> {
  const epoch = slot.epoch + 1;
  const moved = await trx
    .updateTable("slots")
    .set({ epoch, champion_version: null, champion_approval: null, champion_since: null })
    .where("model", "=", slot.model)
    .where("environment", "=", slot.environment)
    .where("epoch", "=", slot.epoch)
    .returning("epoch")
    .executeTakeFirst();
  if (!moved) throw new SlotContention(`The slot ${slot.model}/${slot.environment} was moved meanwhile.`);
  const { model, environment } = slot;
  const previous = slot.champion_version ?? "";
  note({ kind: "deployment.withdrawn", actor: by, model, subject: previous, data: { environment, epoch, previous, reason } });
  await markStale({ trx, note }, { model, what: "champion", why: `${previous} is the champion of ${environment} no longer.` });
}

/** Drift of a version that serves no longer needs no other answer. */
async function answerFindings(
  { trx, note }: Unit,
  { version, by, closing }: { version: string; by: string; closing: string },
): Promise<void> {
  const closed = await trx
    .updateTable("findings")
    .set({ closed_at: new Date(), closed_by: by, closing })
    .where("version_id", "=", version)
    .where("kind", "=", "drift")
    .where("closed_at", "is", null)
    .returning(["id", "model"])
    .execute();
  for (const { id, model } of closed) note({ kind: "finding.closed", actor: by, model, subject: id, data: { reason: closing } });
}
