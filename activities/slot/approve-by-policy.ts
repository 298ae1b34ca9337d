import { CountersignError } from "../../domain/errors.ts";
import type { ReleaseId } from "../../domain/ids.ts";
import { readPassed, takeOver } from "../gate/passed-gates.ts";
import type { RecordDeps } from "../record/deps.ts";
import { needRelease, readPinned } from "../record/pinned-release.ts";
import { inTransaction } from "../record/transaction.ts";
import { demandEvaluation } from "../../approvals/evaluated.ts";

/**
 * Records that the policy is fulfilled, after reading again that every gate of it was passed or not
 * needed: where it asks nobody, where its conditions called for no gate, or where the last gate came
 * before there was a version. Throws `not-allowed` where somebody is still to be asked, and
 * `never-approved` where the evaluation speaks against the version.
 */
export async function approveByPolicy(deps: RecordDeps, { release }: { release: ReleaseId }): Promise<{ approval: string }> {
  return inTransaction(deps.db, async (unit) => {
    const { trx, note } = unit;
    const row = await needRelease(trx, release);
    if (row.state === "ended") throw new CountersignError("not-active", `${release} has ended.`);
    const { gates, environment } = await readPinned(trx, release);
    const { passed, open } = await readPassed(trx, row, gates);
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
    demandEvaluation(version, { asked: passed.length > 0 });
    const { inputs, conditions } = await takeOver(unit, passed, { model: row.model, version: version.id });
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
        inputs: JSON.stringify(inputs),
        conditions: JSON.stringify(conditions),
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
