import type { RecordDeps } from "../record/deps.ts";
import { needRelease, readPinned } from "../record/pinned-release.ts";
import type { Unit } from "../record/transaction.ts";
import type { Resolved } from "./effects.ts";
import { readPassed, takeOver } from "./passed-gates.ts";

/**
 * The approval that lets exactly these bytes serve, brought by the last of the policy's gates that was passed. One that
 * stands already says the same.
 */
export async function approveVersion(_deps: RecordDeps, unit: Unit, { gate, resolution, outcome }: Resolved): Promise<void> {
  const { trx, note } = unit;
  if (resolution !== "approved" || gate.release_id === null) return;
  const { release_id: release, model, subject_id: version } = gate;
  if (model === null) return;
  const { environment, gates } = await readPinned(trx, release);
  const { passed, open } = await readPassed(trx, await needRelease(trx, release), gates);
  if (open.length > 0) return;
  const standing = await trx
    .selectFrom("approvals")
    .select("id")
    .where("version_id", "=", version)
    .where("environment", "=", environment)
    .where("kind", "<>", "break-glass")
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (standing) return;
  const { policy } = gate.request;
  const id = `apr_${gate.id}`;
  const { inputs, conditions } = await takeOver(unit, passed, { model, version });
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
