import { lockPolicies, publishPolicy, readPublished } from "../../db/policies.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { newestVersions } from "../../domain/policy-choice.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import type { Resolved } from "./effects.ts";

/** The approved version is published, in the transaction that closes its gate. */
export async function publishApproved(_deps: RecordDeps, unit: Unit, { gate, resolution }: Resolved): Promise<void> {
  if (resolution !== "approved") return;
  const { trx, note } = unit;
  await lockPolicies(trx);
  const proposal = await trx.selectFrom("policy_proposals").selectAll().where("gate_id", "=", gate.id).executeTakeFirstOrThrow();
  const newest =
    newestVersions(await readPublished(trx)).find((one) => one.policy.id === proposal.policy_id)?.policy.version ?? 0;
  const subject = `${proposal.policy_id}.${proposal.version}`;
  // Only a request at a time waits and whatever is published ends it: this cannot be met, and must not stop a gate from closing.
  if (newest + 1 !== proposal.version || digestOfJson(proposal.body) !== gate.subject_digest)
    return note({ kind: "policy.outdated", actor: "countersign", model: null, subject, data: { gate: gate.id, newest } });
  const event = await publishPolicy(trx, proposal.body, proposal.proposed_by);
  note({ ...event, data: { ...event.data, gate: gate.id } });
}
