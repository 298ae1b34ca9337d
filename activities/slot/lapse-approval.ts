import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { clearSlot, moveSlot } from "./move-slot.ts";
import { findPrevious } from "./previous-champion.ts";

/**
 * Takes an approval back: the version may serve no longer. Where it is the champion, the nearest
 * earlier one whose approval stands comes back in the same transaction; where there is none, the slot
 * serves nothing, because nothing serves without an approval.
 */
export async function lapseApproval(
  deps: RecordDeps,
  unit: Unit,
  { approval, why, by }: { approval: Row<"approvals">; why: string; by: string },
): Promise<{ back: string | null }> {
  const { trx, note } = unit;
  const revoked = await trx
    .updateTable("approvals")
    .set({ revoked_at: new Date(), revoked_why: why })
    .where("id", "=", approval.id)
    .where("revoked_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  if (!revoked) return { back: null };
  const version = await trx.selectFrom("versions").selectAll().where("id", "=", approval.version_id).executeTakeFirstOrThrow();
  note({
    kind: "approval.revoked",
    actor: by,
    model: version.model,
    subject: version.id,
    data: { approval: approval.id, environment: approval.environment, why },
  });
  const slot = await trx
    .selectFrom("slots")
    .selectAll()
    .where("model", "=", version.model)
    .where("environment", "=", approval.environment)
    .executeTakeFirst();
  if (slot?.champion_approval !== approval.id) return { back: null };
  const deployment = `dep_lapse_${approval.id}`;
  const reason = `The approval of ${version.id} was revoked: ${why}`;
  try {
    const target = await findPrevious(deps, trx, slot);
    await moveSlot(unit, {
      deployment,
      kind: "rollback",
      slot,
      version: target.version.id,
      approved: target.approved,
      by,
      reason,
    });
    return { back: target.version.id };
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== "nothing-to-roll-back-to") throw error;
    await clearSlot(unit, { slot, by, reason });
    return { back: null };
  }
}
