import { isAudited } from "../../db/audit.ts";
import type { Row } from "../../db/schema.ts";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Tier } from "../../domain/policy.ts";
import { decidersInWords } from "../../domain/quorum.ts";
import { lookWhetherDecidable } from "../../db/gate-decidability.ts";
import type { GateOpening } from "../contract.ts";
import { calledBy } from "../record/current-call.ts";
import type { RecordDeps } from "../record/deps.ts";
import { lockRelease } from "../record/pinned-release.ts";
import { noteRefusedMessage } from "../record/refuse-message.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";

/**
 * Opening → open; its release waits from here on. A run that finds its gate decided was started a
 * second time, or reset: it is told the resolution, and that is put on record once a run.
 */
export async function openGate(deps: RecordDeps, { gate, runId }: { gate: GateId; runId: string }): Promise<GateOpening> {
  return inTransaction(deps.db, async (unit) => {
    const found = await unit.trx.selectFrom("gates").select(["release_id", "model"]).where("id", "=", gate).executeTakeFirst();
    if (!found || !calledBy(workflowIds.gate(gate))) {
      const why = found
        ? "Only the gate's own workflow opens it."
        : "No such request was ever frozen: this workflow was started by hand.";
      await noteRefusedMessage(unit, { subject: gate, model: found?.model ?? null, message: "start", claimed: runId, why });
      return { kind: "unknown" };
    }
    // The release before the gate, as everywhere, so that nobody waits in a circle.
    if (found.release_id !== null) await lockRelease(unit.trx, found.release_id);
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirstOrThrow();
    if (row.state === "closed") return closedBefore(unit, row, runId);
    if (row.state === "opening") await open(unit, row, runId);
    const { why: undecidable, events } = await lookWhetherDecidable(unit.trx, row);
    for (const event of events) unit.note(event);
    return { kind: "open", request: { ...(await requestOf(unit, row)), undecidable } };
  });
}

async function open({ trx, note }: Unit, row: Row<"gates">, runId: string): Promise<void> {
  await trx.updateTable("gates").set({ state: "open", opened_at: new Date() }).where("id", "=", row.id).execute();
  const { ask, deciders } = row.request;
  if (row.release_id !== null) {
    const waitsFor = `Waits for ${decidersInWords(deciders)} to decide at ${row.id}: ${ask}`;
    await trx
      .updateTable("releases")
      .set({ state: "waiting", waits_for: waitsFor, blocked: null })
      .where("id", "=", row.release_id)
      .where("state", "<>", "ended")
      .execute();
  }
  note({
    kind: "gate.opened",
    actor: "countersign",
    model: row.model,
    subject: row.id,
    data: { runId, digest: row.request_digest },
  });
}

async function closedBefore({ trx, note }: Unit, row: Row<"gates">, runId: string): Promise<GateOpening> {
  if (row.resolution === null) throw new CountersignError("internal", `${row.id} is closed without a resolution.`);
  const told = { subject: row.id, key: "runId", value: runId };
  // Its release was withdrawn before it opened, or this very run opened it: no second start.
  const firstStart = row.opened_at === null || (await isAudited(trx, { kind: "gate.opened", ...told }));
  if (!firstStart && !(await isAudited(trx, { kind: "gate.reopening-refused", ...told })))
    note({
      kind: "gate.reopening-refused",
      actor: "unknown",
      model: row.model,
      subject: row.id,
      data: { runId, resolution: row.resolution },
    });
  return { kind: "closed", resolution: row.resolution, outcome: row.outcome };
}

async function requestOf({ trx }: Unit, row: Row<"gates">): Promise<Extract<GateOpening, { kind: "open" }>["request"]> {
  const { ask, deciders, excluded, deadline, timeline, escalation } = row.request;
  return {
    ask,
    deciders,
    excluded,
    deadline,
    ...(timeline && { timeline }),
    ...(escalation && { escalation }),
    digest: row.request_digest,
    release: row.release_id,
    model: row.model,
    tier: await tierOf({ trx }, row),
  };
}

/** The tier of the release's policy; null for a gate of somebody else's workflow. */
async function tierOf({ trx }: Pick<Unit, "trx">, row: Row<"gates">): Promise<Tier | null> {
  const { id, version } = row.request.policy;
  const policy = await trx
    .selectFrom("policies")
    .select("body")
    .where("id", "=", id)
    .where("version", "=", version)
    .executeTakeFirst();
  return policy?.body.tier ?? null;
}
