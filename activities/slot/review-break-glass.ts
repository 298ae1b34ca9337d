import type { Row } from "../../db/schema.ts";
import { reviewLetsStand } from "../../domain/break-glass.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { GateId } from "../../domain/ids.ts";
import type { Resolved } from "../gate/effects.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { verifyApproval } from "../../approvals/approval.ts";
import { lapseApproval } from "./lapse-approval.ts";
import { moveSlot } from "./move-slot.ts";

/**
 * What the review of a break-glass leads to, in the transaction that closes it: approved, it stands;
 * ended in any other way, the approval is revoked and the champion before it comes back. The finding
 * is closed with it. A request that is asked anew changes nothing.
 */
export async function reviewBreakGlass(deps: RecordDeps, unit: Unit, { gate, resolution, outcome }: Resolved): Promise<void> {
  const stands = reviewLetsStand(resolution);
  if (stands === null || gate.model === null) return;
  const { trx, note } = unit;
  const moved = await trx.selectFrom("deployments").selectAll().where("id", "=", gate.subject_id).executeTakeFirstOrThrow();
  const by = outcome.by ?? "countersign";
  const why = `${gate.id} ended as ${resolution}${outcome.reason === null ? "" : `: ${outcome.reason}`}`;
  const back = stands ? null : await takeBack(deps, unit, { moved, gate: gate.id, by, why });
  await trx
    .updateTable("findings")
    .set({ closed_by: by, closed_at: new Date(), closing: why })
    .where("key", "=", `break-glass.${moved.id}`)
    .where("closed_at", "is", null)
    .execute();
  note({
    kind: "break-glass.reviewed",
    actor: by,
    model: gate.model,
    subject: moved.version_id,
    data: { review: gate.id, deployment: moved.id, resolution, stands, ...(back !== null && { back }) },
  });
}

interface TakenBack {
  moved: Row<"deployments">;
  gate: GateId;
  by: string;
  why: string;
}

async function takeBack(deps: RecordDeps, unit: Unit, given: TakenBack): Promise<string | null> {
  const { trx } = unit;
  const { moved, by, why } = given;
  const approval = await trx.selectFrom("approvals").selectAll().where("id", "=", moved.approval_id).executeTakeFirstOrThrow();
  if (approval.kind === "break-glass") return (await lapseApproval(deps, unit, { approval, why, by })).back;
  return undo(deps, unit, given);
}

/** Of a move on an approval that stands anyway: only the move is undone, as long as it is the last one. */
async function undo(deps: RecordDeps, unit: Unit, { moved, gate, by, why }: TakenBack): Promise<string | null> {
  const { trx } = unit;
  const { model, environment, previous } = moved;
  const slot = await trx
    .selectFrom("slots")
    .selectAll()
    .where("model", "=", model)
    .where("environment", "=", environment)
    .executeTakeFirstOrThrow();
  if (slot.epoch !== moved.epoch || previous === null) return null;
  const version = await trx.selectFrom("versions").selectAll().where("id", "=", previous).executeTakeFirstOrThrow();
  try {
    const approved = await verifyApproval(trx, deps.verifier, { version, environment });
    const deployment = `dep_review_${gate}`;
    await moveSlot(unit, { deployment, kind: "promote", slot, version: previous, approved, by, reason: why });
    return previous;
  } catch (error) {
    // The version before may itself have been revoked meanwhile: what serves now is approved, and stays.
    if (error instanceof CountersignError) return null;
    throw error;
  }
}
