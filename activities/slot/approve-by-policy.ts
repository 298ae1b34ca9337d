import type { Trx } from "../../db/database.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { ReleaseId } from "../../domain/ids.ts";
import type { PolicyGate } from "../../domain/policy.ts";
import { readNotNeeded } from "../gate/needed.ts";
import type { RecordDeps } from "../record/deps.ts";
import { needRelease, readPinned } from "../record/pinned-release.ts";
import { inTransaction } from "../record/transaction.ts";

/**
 * Records that the policy is fulfilled, after reading again that every gate of it was passed or not
 * needed: where it asks nobody, where its conditions called for no gate, or where the last gate came
 * before there was a version. Throws `not-allowed` where somebody is still to be asked.
 */
export async function approveByPolicy(deps: RecordDeps, { release }: { release: ReleaseId }): Promise<{ approval: string }> {
  return inTransaction(deps.db, async ({ trx, note }) => {
    const row = await needRelease(trx, release);
    if (row.state === "ended") throw new CountersignError("not-active", `${release} has ended.`);
    const { gates, environment } = await readPinned(trx, release);
    const open = await gatesOpen(trx, release, gates);
    if (open.length > 0)
      throw new CountersignError(
        "not-allowed",
        `The policy ${row.policy_id} ${row.policy_version} asks people at ${open.join(", ")}; it approves nothing by itself.`,
      );
    const id = `apr_${release}`;
    const present = await trx
      .selectFrom("approvals")
      .select("id")
      .where("version_id", "=", release)
      .where("environment", "=", environment)
      .executeTakeFirst();
    if (present) return { approval: present.id };
    const version = await trx.selectFrom("versions").selectAll().where("release_id", "=", release).executeTakeFirstOrThrow();
    await trx
      .insertInto("approvals")
      .values({
        id,
        version_id: version.id,
        version_digest: version.digest,
        environment,
        kind: "policy",
        policy_id: row.policy_id,
        policy_version: row.policy_version,
      })
      .execute();
    note({
      kind: "approval.recorded",
      actor: "countersign",
      model: row.model,
      subject: version.id,
      data: { approval: id, digest: version.digest, environment, policy: `${row.policy_id}.${row.policy_version}` },
    });
    return { approval: id };
  });
}

/** Names of the gates that were neither approved nor found not to be needed. */
async function gatesOpen(trx: Trx, release: ReleaseId, gates: PolicyGate[]): Promise<string[]> {
  const approved = await trx
    .selectFrom("gates")
    .select("name")
    .where("release_id", "=", release)
    .where("resolution", "=", "approved")
    .execute();
  const passed = new Set([...approved.map((row) => row.name), ...(await readNotNeeded(trx, release))]);
  return gates.map((gate) => gate.name).filter((name) => !passed.has(name));
}
