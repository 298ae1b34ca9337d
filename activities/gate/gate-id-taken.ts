import { WorkflowNotFoundError } from "@temporalio/client";
import { workflowIds, type GateId, type ReleaseId } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { lockRelease } from "../record/pinned-release.ts";
import { inTransaction } from "../record/transaction.ts";
import { closeUndecided } from "./close-undecided.ts";

/**
 * A workflow has the gate's id. It is the gate's own where this release started it before, as a release that was reset
 * did; else the request can never open, and the next one gets another number.
 */
export async function gateIdTaken(deps: RecordDeps, { gate }: { gate: GateId }): Promise<{ own: boolean }> {
  const release = await releaseOf(deps, gate);
  if (release === null) return { own: false };
  const startedByIt = await isStartedBy(deps, gate, release);
  return inTransaction(deps.db, async (unit) => {
    const before = await lockRelease(unit.trx, release);
    const row = await unit.trx.selectFrom("gates").select(["state", "resolution"]).where("id", "=", gate).executeTakeFirst();
    // A gate that opened has its own workflow, so nobody took its id.
    if (startedByIt || row === undefined || row.state === "open") return { own: true };
    // Given up before, by this activity whose answer was lost; one that was decided meanwhile answers by its row.
    if (row.state === "closed") return { own: row.resolution !== "superseded" };
    const workflow = workflowIds.gate(gate);
    unit.note({ kind: "gate.id-taken", actor: "unknown", model: before?.model ?? null, subject: gate, data: { workflow } });
    await closeUndecided(unit, {
      release,
      resolution: "superseded",
      by: "countersign",
      why: `The workflow id ${workflow} was taken by somebody else.`,
    });
    return { own: false };
  });
}

async function releaseOf({ db }: RecordDeps, gate: GateId): Promise<ReleaseId | null> {
  const row = await db.selectFrom("gates").select("release_id").where("id", "=", gate).executeTakeFirst();
  return row?.release_id ?? null;
}

/** Temporal names the workflow that started another as its child; nobody else can claim it. */
async function isStartedBy({ temporalClient }: RecordDeps, gate: GateId, release: ReleaseId): Promise<boolean> {
  if (!temporalClient) return false;
  try {
    const { raw } = await temporalClient.workflow.getHandle(workflowIds.gate(gate)).describe();
    return raw.workflowExecutionInfo?.parentExecution?.workflowId === workflowIds.release(release);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
