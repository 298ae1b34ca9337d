import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest, GateId, VersionId } from "../../domain/ids.ts";
import type { Principal } from "../../domain/principal.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { tellStaleGates } from "../gate/mark-stale.ts";
import { carryOut, claimed, refused, type Outcome } from "../record/carry-out.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { verifyApproval, type Approved } from "../../approvals/approval.ts";
import { breakGlassApprovalId } from "../../approvals/break-glass-approval.ts";
import { openReview } from "./break-glass-review.ts";
import { moveSlot } from "./move-slot.ts";
import { findPrevious, type Target } from "./previous-champion.ts";
import { readEvaluation } from "./read-evaluation.ts";
import { readSlot } from "./read-slot.ts";
import { verifyBytes } from "./version-bytes.ts";

export type BreakGlassCommand = CommandOf<"break-glass">;

interface Broke {
  deployment: { id: string; environment: string; version: VersionId; epoch: number };
  review: GateId;
}

/**
 * Promotes a version without its gates, or rolls back, at once, on the word of one who holds the
 * role: verifies every byte, writes the approval whose proof is the command, moves the slot by one
 * compare-and-set and freezes the review that others must close, all in one transaction. Needs no
 * release, no training and no gate that is open.
 */
export async function breakGlass(
  deps: RecordDeps,
  command: BreakGlassCommand,
): Promise<{ ok: true; review: GateId; digest: Digest } | Refused> {
  const model = claimed(command, "model");
  const rule = { action: "break-glass", subject: model, model } as const;
  const outcome = await carryOut(deps, { command, rule }, (unit, actor) => carry(deps, unit, { command, actor }));
  if (!outcome.ok) return outcome;
  // A hint: the watch gives it again, and the slot is moved.
  await tellStaleGates(deps).catch(() => undefined);
  const review = await deps.db
    .selectFrom("gates")
    .select("request_digest")
    .where("id", "=", outcome.result.review)
    .executeTakeFirstOrThrow();
  return { ok: true, review: outcome.result.review, digest: review.request_digest };
}

async function carry(
  deps: RecordDeps,
  unit: Unit,
  { command, actor }: { command: BreakGlassCommand; actor: Principal },
): Promise<Outcome<Broke>> {
  if (actor.kind !== "person") return refused("forbidden", `${actor.id} is a machine; only people break the glass.`);
  const { model, action, environment, reason } = command.body;
  const slot = await readSlot(unit.trx, model, environment);
  const target =
    action === "promote" ? await promoted(deps, unit, { command, slot }) : await backTo(deps, unit.trx, { command, slot });
  const { version, approved } = target;
  const deployment = `dep_${command.id.replace(/^cmd_/, "")}`;
  const kind = action === "promote" ? "promote" : "rollback";
  const epoch = await moveSlot(unit, { deployment, kind, slot, version: version.id, approved, by: actor.id, reason });
  const review = await openReview(unit, {
    deployment,
    action,
    by: actor.id,
    reason,
    environment,
    version,
    previous: slot.champion_version,
    epoch,
    approval: approved.approval.id,
    ...(await readEvaluation(deps.store, version)),
  });
  unit.note({
    kind: "deployment.break-glass",
    actor: actor.id,
    model,
    subject: version.id,
    data: {
      command: command.id,
      deployment,
      action,
      environment,
      epoch,
      reason,
      review: review.gate,
      previous: slot.champion_version,
    },
  });
  return { ok: true, result: { deployment: { id: deployment, environment, version: version.id, epoch }, review: review.gate } };
}

interface Asked {
  command: BreakGlassCommand;
  slot: Row<"slots">;
}

async function named(trx: Trx, { command, slot }: Asked): Promise<Row<"versions">> {
  const { version: id, model } = command.body;
  if (id === null) throw new CountersignError("invalid", "version: name the version to promote.");
  const version = await trx.selectFrom("versions").selectAll().where("model", "=", model).where("id", "=", id).executeTakeFirst();
  if (!version) throw new CountersignError("not-found", `${model} has no version ${id}.`);
  if (slot.champion_version === id)
    throw new CountersignError("already-champion", `${id} is the champion of ${slot.environment} already.`);
  return version;
}

/** The version with an approval of its own kind; one that stands already is used as it is. */
async function promoted(deps: RecordDeps, { trx, note }: Unit, asked: Asked): Promise<Target> {
  const { command } = asked;
  const { environment, reason } = command.body;
  const version = await named(trx, asked);
  await verifyBytes(deps.store, version);
  const standing = await standingApproval(deps, trx, { version, environment });
  if (standing) return { version, approved: standing };
  const release = await trx
    .selectFrom("releases")
    .select(["policy_id", "policy_version"])
    .where("id", "=", version.release_id)
    .executeTakeFirstOrThrow();
  const approval = await trx
    .insertInto("approvals")
    .values({
      id: breakGlassApprovalId(command.id),
      version_id: version.id,
      version_digest: version.digest,
      environment,
      kind: "break-glass",
      policy_id: release.policy_id,
      policy_version: release.policy_version,
      command: JSON.stringify(command),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  note({
    kind: "approval.recorded",
    actor: command.principal,
    model: version.model,
    subject: version.id,
    data: { approval: approval.id, digest: version.digest, environment, breakGlass: command.id, reason },
  });
  return { version, approved: { approval, by: command.principal, because: reason, doubt: null } };
}

async function standingApproval(
  deps: RecordDeps,
  trx: Trx,
  of: { version: Row<"versions">; environment: string },
): Promise<Approved | null> {
  try {
    return await verifyApproval(trx, deps.verifier, of);
  } catch (error) {
    if (error instanceof CountersignError) return null;
    throw error;
  }
}

/** A version approved before: the named one, or the champion before the present one. */
async function backTo(deps: RecordDeps, trx: Trx, asked: Asked): Promise<Target> {
  const { slot, command } = asked;
  if (slot.champion_version === null)
    throw new CountersignError("no-champion", `${slot.model} has no champion in ${slot.environment} yet.`);
  if (command.body.version === null) return findPrevious(deps, trx, slot);
  const version = await named(trx, asked);
  return { version, approved: await verifyApproval(trx, deps.verifier, { version, environment: slot.environment }) };
}
