import { workflowIds, type GateId } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { lockRelease } from "../record/pinned-release.ts";
import { inTransaction } from "../record/transaction.ts";
import { closeUndecided } from "./close-undecided.ts";

/** Somebody else's workflow has the gate's id: this request can never open, the next one gets another number. */
export async function gateIdTaken(deps: RecordDeps, { gate }: { gate: GateId }): Promise<void> {
  await inTransaction(deps.db, async (unit) => {
    const found = await unit.trx.selectFrom("gates").select(["release_id", "model"]).where("id", "=", gate).executeTakeFirst();
    if (!found?.release_id) return;
    await lockRelease(unit.trx, found.release_id);
    const row = await unit.trx.selectFrom("gates").select("state").where("id", "=", gate).executeTakeFirst();
    // A gate that opened has its own workflow, so nobody took its id.
    if (row?.state !== "opening") return;
    const workflow = workflowIds.gate(gate);
    unit.note({ kind: "gate.id-taken", actor: "unknown", model: found.model, subject: gate, data: { workflow } });
    await closeUndecided(unit, {
      release: found.release_id,
      resolution: "superseded",
      by: "countersign",
      why: `The workflow id ${workflow} was taken by somebody else.`,
    });
  });
}
