import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { CountersignError } from "../../domain/errors.ts";
import { resolve, type Vote } from "../../domain/gate.ts";
import type { PrincipalId } from "../../domain/ids.ts";
import type { SignedCommand } from "../../domain/signed-command.ts";
import type { CommandVerifier } from "../verify-command.ts";

/** An approval that was verified now, and on whose word it stands. */
export interface Approved {
  approval: Row<"approvals">;
  by: PrincipalId | "countersign";
  /** A sentence for the deployment's record. */
  because: string;
}

/**
 * Verifies once more that a version may serve: its approval is of exactly these bytes and was not
 * revoked, and behind it stand either gates whose decisions carry control's token, enough of them,
 * on the very request that was frozen, or a policy that asks for no gate. Rows alone prove
 * nothing: whoever can write to the database can still not sign. Throws `never-approved`,
 * `approval-revoked`, `not-signed`.
 */
export async function verifyApproval(
  trx: Trx,
  verifier: CommandVerifier,
  given: { version: Row<"versions">; environment: string },
): Promise<Approved> {
  const { version, environment } = given;
  const approval = await trx
    .selectFrom("approvals")
    .selectAll()
    .where("version_id", "=", version.id)
    .where("environment", "=", environment)
    .executeTakeFirst();
  if (!approval || approval.version_digest !== version.digest)
    throw new CountersignError("never-approved", `${version.id} was never approved for ${environment}.`);
  if (approval.revoked_at !== null)
    throw new CountersignError(
      "approval-revoked",
      `The approval of ${version.id} was revoked at ${approval.revoked_at.toISOString()}.`,
    );
  const policy = await trx
    .selectFrom("policies")
    .selectAll()
    .where("id", "=", approval.policy_id)
    .where("version", "=", approval.policy_version)
    .executeTakeFirstOrThrow();
  if (digestOfJson(policy.body) !== policy.digest)
    throw new CountersignError("not-signed", `The policy ${policy.id} ${policy.version} is not what was published.`);
  const release = await trx
    .selectFrom("releases")
    .select(["policy_id", "policy_version"])
    .where("id", "=", version.release_id)
    .executeTakeFirstOrThrow();
  if (release.policy_id !== policy.id || release.policy_version !== policy.version)
    throw new CountersignError("not-signed", `The approval of ${version.id} names another policy than its release.`);
  const { gates } = policy.body;
  if (gates.length === 0)
    return { approval, by: "countersign", because: `The policy ${policy.id} ${policy.version} asks for no gate.` };
  if (approval.kind !== "gate")
    throw new CountersignError("not-signed", `The approval of ${version.id} rests on a policy that asks for gates.`);
  const rows = await trx
    .selectFrom("gates")
    .selectAll()
    .where("release_id", "=", version.release_id)
    .where("resolution", "=", "approved")
    .execute();
  let by: PrincipalId = "countersign";
  for (const { name } of gates) {
    const gate = rows.find((row) => row.name === name && row.subject_digest === version.digest);
    if (!gate) throw new CountersignError("never-approved", `The gate ${name} of ${version.id} was not approved.`);
    by = await verifyDecisions(trx, verifier, gate);
  }
  return { approval, by, because: `Approved by ${by} at ${approval.gate_id ?? "its gate"}.` };
}

/** Who closed the gate, after every token behind it was verified again. */
async function verifyDecisions(trx: Trx, verifier: CommandVerifier, gate: Row<"gates">): Promise<PrincipalId> {
  if (digestOfJson(gate.request) !== gate.request_digest)
    throw new CountersignError("not-signed", `The request of ${gate.id} is not what was frozen.`);
  const rows = await trx
    .selectFrom("decisions")
    .selectAll()
    .where("gate_id", "=", gate.id)
    .where("counted", "=", true)
    .orderBy("recorded_at")
    .execute();
  const barred = new Set(gate.request.excluded.map((one) => one.principal));
  const votes = rows.filter((row) => isTrue(verifier, gate, row) && !barred.has(row.principal_id)).map(asVote);
  const { resolution, by } = resolve(votes, { quorum: gate.request.deciders.quorum });
  if (resolution !== "approved" || !by)
    throw new CountersignError("not-signed", `The decisions of ${gate.id} do not carry the tokens that its approval needs.`);
  return by.principal;
}

function isTrue(verifier: CommandVerifier, gate: Row<"gates">, row: Row<"decisions">): boolean {
  const command: SignedCommand = {
    id: row.command_id,
    principal: row.principal_id,
    groups: row.groups_then,
    surface: row.surface,
    at: row.decided_at.toISOString(),
    body: row.body,
    signature: row.token,
  };
  return (
    row.body.gate === gate.id &&
    row.body.digest === gate.request_digest &&
    row.body.decision === row.decision &&
    verifier.verify(command)
  );
}

function asVote(row: Row<"decisions">): Vote {
  return { command: row.command_id, principal: row.principal_id, decision: row.decision, at: row.decided_at.toISOString() };
}
