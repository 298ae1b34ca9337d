import type { GateId, PrincipalId, ReleaseId } from "../../domain/ids.ts";
import type { Unit } from "../record/transaction.ts";

export interface Undecided {
  release: ReleaseId;
  resolution: "withdrawn" | "superseded";
  by: PrincipalId | "countersign";
  why: string;
}

/** Closes the release's gate that nobody decided, if there is one. Lock the release's row before. */
export async function closeUndecided({ trx, note }: Unit, { release, resolution, by, why }: Undecided): Promise<GateId | null> {
  const gate = await trx
    .selectFrom("gates")
    .select(["id", "model"])
    .where("release_id", "=", release)
    .where("state", "<>", "closed")
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!gate) return null;
  const closedAt = new Date();
  const outcome = { by: null, at: closedAt.toISOString(), reason: why, inputs: {}, conditions: [] };
  await trx
    .updateTable("gates")
    .set({ state: "closed", resolution, closed_at: closedAt, outcome: JSON.stringify(outcome) })
    .where("id", "=", gate.id)
    .execute();
  note({ kind: "gate.closed", actor: by, model: gate.model, subject: gate.id, data: { resolution, release, why } });
  return gate.id;
}
