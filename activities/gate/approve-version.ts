import type { Row } from "../../db/schema.ts";
import type { PrincipalId } from "../../domain/ids.ts";
import { readPinned } from "../record/pinned-release.ts";
import type { Unit } from "../record/transaction.ts";

/** The approval that lets exactly these bytes serve. A gate about anything but a version approves nothing here. */
export async function approveVersion({ trx, note }: Unit, gate: Row<"gates">, by: PrincipalId): Promise<void> {
  if (gate.subject_kind !== "version" || gate.release_id === null) return;
  const { environment, gates } = await readPinned(trx, gate.release_id);
  const approved = await trx
    .selectFrom("gates")
    .select("name")
    .where("release_id", "=", gate.release_id)
    .where("resolution", "=", "approved")
    .execute();
  // Every gate of the policy has to be passed; the last one brings the approval.
  if (!gates.every((one) => approved.some((row) => row.name === one.name))) return;
  const { policy } = gate.request;
  const id = `apr_${gate.id}`;
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
    })
    .execute();
  note({
    kind: "approval.recorded",
    actor: by,
    model: gate.model,
    subject: gate.subject_id,
    data: { approval: id, digest: gate.subject_digest, environment, gate: gate.id },
  });
}
