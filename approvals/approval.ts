import { sql } from "kysely";
import type { Db, Trx } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { digestOfJson } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest, PrincipalId } from "../domain/ids.ts";
import { gateStages, type Policy, type PolicyGate } from "../domain/policy.ts";
import { momentInWords } from "../domain/wording.ts";
import { verifyDecisions } from "./gate-decisions.ts";
import { gatesNeeded } from "./gates-needed.ts";
import type { CommandVerifier } from "./verify-command.ts";
import { verifyBreakGlass } from "./break-glass-approval.ts";
import { demandEvaluation } from "./evaluated.ts";
import { verifyNobodyAsked } from "./nobody-asked.ts";

/** Of a version, what its approval is compared with. */
export type ApprovedVersion = Pick<Row<"versions">, "id" | "model" | "release_id" | "digest" | "manifest" | "evaluation">;

/** An approval that was verified now, and on whose word it stands. */
export interface Approved {
  approval: Row<"approvals">;
  by: PrincipalId | "countersign";
  /** A sentence for the deployment's record. */
  because: string;
  /** Where nobody decided and a record of before signed commands were kept cannot be verified: what is missing, and the cure. */
  doubt: string | null;
}

/**
 * Verifies once more that a version may serve: its approval is of exactly these bytes and was not
 * revoked, and behind it stand either gates whose decisions carry control's token, enough of them,
 * on the very request that was frozen, or a policy that asks for no gate. Rows alone prove
 * nothing: whoever can write to the database can still not sign. Throws `never-approved`,
 * `approval-revoked`, `not-signed`.
 */
export async function verifyApproval(
  trx: Db | Trx,
  verifier: CommandVerifier,
  given: { version: ApprovedVersion; environment: string },
): Promise<Approved> {
  const { version, environment } = given;
  const approval = await trx
    .selectFrom("approvals")
    .selectAll()
    .where("version_id", "=", version.id)
    .where("environment", "=", environment)
    // One that stands before one that was revoked; that of the gates before one by break-glass.
    .orderBy(sql`revoked_at is not null`)
    .orderBy(sql`kind = 'break-glass'`)
    .orderBy("at", "desc")
    .executeTakeFirst();
  if (!approval || approval.version_digest !== version.digest)
    throw new CountersignError("never-approved", `${version.id} was never approved for ${environment}.`);
  if (approval.revoked_at !== null)
    throw new CountersignError(
      "approval-revoked",
      `The approval of ${version.id} was revoked on ${momentInWords(approval.revoked_at.toISOString())}: ${approval.revoked_why ?? "no reason was kept"}`,
    );
  if (approval.kind === "break-glass") return verifyBreakGlass(verifier, { approval, version, environment });
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
    .select(["id", "model", "definition_digest", "trigger", "parameters", "policy_id", "policy_version"])
    .where("id", "=", version.release_id)
    .executeTakeFirstOrThrow();
  if (release.policy_id !== policy.id || release.policy_version !== policy.version)
    throw new CountersignError("not-signed", `The approval of ${version.id} names another policy than its release.`);
  const gates = await gatesNeeded(trx, release, { gates: policy.body.gates, asOf: approval.at });
  demandEvaluation(version, { asked: gates.length > 0 });
  if (gates.length === 0)
    return {
      approval,
      by: "countersign",
      because: `The policy ${policy.id} ${policy.version} asks for no gate.`,
      doubt: await verifyNobodyAsked(trx, verifier, { version, release, policy }),
    };
  const rows = await trx
    .selectFrom("gates")
    .selectAll()
    .where("release_id", "=", version.release_id)
    .where("resolution", "=", "approved")
    .execute();
  let by: PrincipalId = "countersign";
  for (const rule of gates) {
    const gate = rows.find((row) => row.name === rule.name && isAbout(row, { rule, version }));
    if (!gate) throw new CountersignError("never-approved", `The gate ${rule.name} of ${version.id} was not approved.`);
    verifyRequest(gate, { version, policy, name: rule.name });
    by = approvedByTime(gate, policy.body) ?? (await verifyDecisions(trx, verifier, gate));
  }
  const doubt = by === "countersign" ? await verifyNobodyAsked(trx, verifier, { version, release, policy }) : null;
  return { approval, by, because: `Approved by ${by} at ${approval.gate_id ?? "its gate"}.`, doubt };
}

/** A gate before training was about the data that the version was made of; one after it about the version, and about nothing else. */
function isAbout(gate: Row<"gates">, { rule, version }: { rule: PolicyGate; version: ApprovedVersion }): boolean {
  const beforeVersion = gateStages.indexOf(rule.after) < gateStages.indexOf("train");
  if (gate.subject_kind === "dataset" && !beforeVersion) return false;
  return gate.subject_digest === subjectOf(gate.subject_kind, version).digest;
}

function subjectOf(kind: string, version: ApprovedVersion): { id: string; digest: Digest } {
  return kind === "dataset"
    ? { id: version.release_id, digest: version.manifest.dataset }
    : { id: version.id, digest: version.digest };
}

/**
 * The columns of a gate are the database's word; what people signed is the digest of the request. So
 * what it was about, which gate of which release, and under which policy, is taken from the request.
 */
function verifyRequest(gate: Row<"gates">, of: { version: ApprovedVersion; policy: Row<"policies">; name: string }): void {
  const { request } = gate;
  if (digestOfJson(request) !== gate.request_digest)
    throw new CountersignError("not-signed", `The request of ${gate.id} is not what was frozen.`);
  const { id, digest } = subjectOf(request.subject.kind, of.version);
  const isSame =
    request.gate === gate.id &&
    gate.id.startsWith(`${of.version.release_id}.${of.name}.`) &&
    request.subject.id === id &&
    request.subject.digest === digest &&
    request.policy.digest === of.policy.digest;
  if (!isSame) throw new CountersignError("not-signed", `${gate.id} asked about something else than ${of.version.id}.`);
}

/** At the lowest tier a policy may approve when nobody decided by the deadline. */
function approvedByTime(gate: Row<"gates">, policy: Policy): "countersign" | null {
  const { deadline, onDeadline } = gate.request;
  const byTime = policy.tier === "low" && onDeadline === "approve" && gate.outcome?.by === null;
  return byTime && gate.closed_at !== null && gate.closed_at.toISOString() >= deadline ? "countersign" : null;
}
