import type { Trx } from "../../db/database.ts";
import type { ApprovalCondition, DecisionInputs } from "../../domain/gate.ts";
import { openFinding } from "../record/findings.ts";
import type { RecordDeps } from "../record/deps.ts";
import { readPinned } from "../record/pinned-release.ts";
import type { Unit } from "../record/transaction.ts";
import type { Resolved } from "./effects.ts";
import { readNotNeeded } from "./needed.ts";

/** The approval that lets exactly these bytes serve, brought by the last of the policy's gates that was passed. */
export async function approveVersion(_deps: RecordDeps, unit: Unit, { gate, resolution, outcome }: Resolved): Promise<void> {
  const { trx, note } = unit;
  if (resolution !== "approved" || gate.release_id === null) return;
  const { environment, gates } = await readPinned(trx, gate.release_id);
  const passed = await trx
    .selectFrom("gates")
    .select(["name", "outcome"])
    .where("release_id", "=", gate.release_id)
    .where("resolution", "=", "approved")
    .execute();
  const names = new Set([...passed.map((row) => row.name), ...(await readNotNeeded(trx, gate.release_id))]);
  if (!gates.every((one) => names.has(one.name))) return;
  const { policy } = gate.request;
  const id = `apr_${gate.id}`;
  const conditions = await openConditions(
    unit,
    gate,
    passed.flatMap((row) => row.outcome?.conditions ?? []),
  );
  const inputs: DecisionInputs = Object.fromEntries(passed.flatMap((row) => Object.entries(row.outcome?.inputs ?? {})));
  await trx
    .insertInto("approvals")
    .values({
      id,
      version_id: gate.subject_id,
      version_digest: gate.subject_digest,
      environment,
      kind: "gate",
      gate_id: gate.id,
      gate_resolution: "approved",
      policy_id: policy.id,
      policy_version: policy.version,
      inputs: JSON.stringify(inputs),
      conditions: JSON.stringify(conditions),
    })
    .execute();
  note({
    kind: "approval.recorded",
    actor: outcome.by ?? "countersign",
    model: gate.model,
    subject: gate.subject_id,
    data: {
      approval: id,
      digest: gate.subject_digest,
      environment,
      gate: gate.id,
      ...(conditions.length > 0 && { conditions }),
      ...(Object.keys(inputs).length > 0 && { inputs }),
    },
  });
}

/** A condition names an open finding of the model, or says in words what is to be closed: that opens one. */
async function openConditions(unit: Unit, gate: Resolved["gate"], conditions: ApprovalCondition[]): Promise<ApprovalCondition[]> {
  const { model } = gate;
  if (model === null) return [];
  const open: ApprovalCondition[] = [];
  for (const { finding, by } of conditions) {
    const known = await isOpen(unit.trx, model, finding);
    const title = {
      kind: "condition" as const,
      title: finding,
      gate: gate.id,
      version: gate.subject_id,
      by: gate.outcome?.by ?? "countersign",
    };
    open.push({ finding: known ? finding : (await openFinding(unit, { model, ...title })).id, by });
  }
  return open;
}

async function isOpen(trx: Trx, model: string, finding: string): Promise<boolean> {
  const row = await trx
    .selectFrom("findings")
    .select("id")
    .where("model", "=", model)
    .where("id", "=", finding)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}
