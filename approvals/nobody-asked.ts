import type { Db, Trx } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { builtInPolicies } from "../domain/built-in-policies.ts";
import { digestOfJson } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import { choosePolicy } from "../domain/policy-choice.ts";
import type { SignedCommand } from "../domain/signed-command.ts";
import type { ApprovedVersion } from "./approval.ts";
import { verifyDecisions } from "./gate-decisions.ts";
import type { CommandVerifier } from "./verify-command.ts";

interface Unasked {
  version: ApprovedVersion;
  release: Pick<Row<"releases">, "model" | "definition_digest">;
  policy: Row<"policies">;
}

/**
 * Where no person decided on a version, what stands behind its approval is the definition that names the model's tier
 * and the policy for that tier. Both were put in force by somebody: by a signed command, by signed decisions at a gate, or
 * by the product itself. So no release can be pointed at a policy that asks for less.
 *
 * Throws `not-signed` where the records contradict each other. Gives a sentence with its cure where they agree and the
 * command is missing, as it is of what was put in force before commands were kept.
 */
export async function verifyNobodyAsked(trx: Db | Trx, verifier: CommandVerifier, of: Unasked): Promise<string | null> {
  const { version, release, policy } = of;
  const { definition_digest: digest, model } = release;
  const { body } = await trx
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", model)
    .where("digest", "=", digest)
    .executeTakeFirstOrThrow();
  if (digestOfJson(body) !== digest || body.model !== version.model || version.manifest.definition !== digest)
    throw new CountersignError("not-signed", `${version.id} was made by another definition than its release names.`);
  const scope = { tier: body.tier, maturity: body.maturity, team: body.owner.team };
  if (choosePolicy([{ policy: policy.body, publishedAt: policy.published_at.toISOString() }], scope) === null)
    throw new CountersignError(
      "not-signed",
      `The policy ${policy.id} ${policy.version} is not for ${model}: tier ${body.tier}, maturity ${body.maturity}, owned by ${body.owner.team}.`,
    );
  const isApplied =
    (await hasCommand(trx, verifier, {
      digest,
      isIts: (command) => command.kind === "apply-definition" && command.model === version.model && command.definition === digest,
    })) || (await passedGate(trx, verifier, { kind: "definition", digest }));
  if (!isApplied)
    return `No signed command is kept that applied the definition of ${version.id} (${digest}); apply it again, and it is.`;
  return (await isPublished(trx, verifier, policy))
    ? null
    : `Neither a gate nor a signed command proves that the policy ${policy.id} ${policy.version} was published; publish its next version.`;
}

/**
 * Whether it comes with the product, passed a gate, or was published by its proposer alone where that is possible: all
 * built-in policies ask for a gate before another takes their place, so that one without must have stepped in before.
 */
async function isPublished(trx: Db | Trx, verifier: CommandVerifier, policy: Row<"policies">): Promise<boolean> {
  if (builtInDigests.has(policy.digest)) return digestOfJson(policy.body) === policy.digest;
  const published = await trx.selectFrom("policies").selectAll().orderBy("published_at").execute();
  let isGateless = false;
  for (const one of published.filter(({ body }) => body.tier === policy.body.tier)) {
    const isTrue: boolean = digestOfJson(one.body) === one.digest && (await isProved(trx, verifier, { policy: one, isGateless }));
    if (one.digest === policy.digest) return isTrue;
    isGateless ||= isTrue && !one.body.change;
  }
  return false;
}

async function isProved(
  trx: Db | Trx,
  verifier: CommandVerifier,
  { policy: { id, digest }, isGateless }: { policy: Row<"policies">; isGateless: boolean },
): Promise<boolean> {
  if (builtInDigests.has(digest) || (await passedGate(trx, verifier, { kind: "policy", digest }))) return true;
  const isIts = (command: SignedCommand["body"]) =>
    command.kind === "propose-policy" && command.policy === id && command.digest === digest;
  return isGateless && (await hasCommand(trx, verifier, { digest, isIts }));
}

const builtInDigests: ReadonlySet<Digest> = new Set(builtInPolicies.map((policy) => digestOfJson(policy)));

async function hasCommand(
  trx: Db | Trx,
  verifier: CommandVerifier,
  { digest, isIts }: { digest: Digest; isIts: (body: SignedCommand["body"]) => boolean },
): Promise<boolean> {
  const rows = await trx.selectFrom("subject_commands").select("command").where("digest", "=", digest).execute();
  return rows.some(({ command }) => isIts(command.body) && verifier.verify(command));
}

/** Whether people approved exactly this at a gate of its kind. */
async function passedGate(
  trx: Db | Trx,
  verifier: CommandVerifier,
  { kind, digest }: { kind: "definition" | "policy"; digest: Digest },
): Promise<boolean> {
  const gates = await trx
    .selectFrom("gates")
    .selectAll()
    .where("subject_kind", "=", kind)
    .where("subject_digest", "=", digest)
    .where("resolution", "=", "approved")
    .execute();
  for (const gate of gates) {
    const { subject } = gate.request;
    const isAbout = subject.kind === kind && subject.digest === digest && gate.request.gate === gate.id;
    if (!isAbout || digestOfJson(gate.request) !== gate.request_digest) continue;
    const by = await verifyDecisions(trx, verifier, gate).catch((error: unknown) => {
      if (error instanceof CountersignError && error.code === "not-signed") return null;
      throw error;
    });
    if (by !== null) return true;
  }
  return false;
}
