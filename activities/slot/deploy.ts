import { CountersignError } from "../../domain/errors.ts";
import type { ReleaseId, VersionId } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { failureOf } from "../record/faults.ts";
import { needRelease, readPinned } from "../record/pinned-release.ts";
import { beginStage } from "../record/stages.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { rememberHead } from "../../db/audit-continuity.ts";
import { isAudited } from "../../db/audit.ts";
import { verifyApproval } from "../../approvals/approval.ts";
import { moveSlot } from "./move-slot.ts";
import { verifyBytes } from "./version-bytes.ts";

interface Deployed {
  summary: string;
  epoch: number;
  environment: string;
  version: VersionId;
}

/**
 * Makes the release's version the champion: recomputes every digest, verifies approval and tokens
 * once more, then moves the slot in one compare-and-set. A release deploys once, whatever is
 * retried or reset. A refusal is put on record and fails for good, with its code.
 */
export async function deploy(deps: RecordDeps, { release }: { release: ReleaseId }): Promise<Deployed> {
  try {
    // Here, not in an activity of its own: a person's yes waits for what stands before the move.
    await beginStage(deps, { release, stage: "deploy" });
    const before = await inTransaction(deps.db, (unit) => readDeployed(unit, release));
    if (before) return before;
    // What a restored database does not know may have been revoked, or never approved at all.
    await rememberHead(deps.db, deps.store);
    // Hashing some megabytes takes its time: not while rows are locked. What is read here cannot change any more.
    const version = await deps.db.selectFrom("versions").selectAll().where("release_id", "=", release).executeTakeFirst();
    if (!version) throw new CountersignError("never-approved", `${release} has made no version.`);
    await verifyBytes(deps.store, version);
    const moved = await inTransaction(deps.db, (unit) => move(deps, unit, release));
    // The slot has moved, whatever becomes of this: the next look remembers it too.
    await rememberHead(deps.db, deps.store).catch(() => undefined);
    return moved;
  } catch (error) {
    const failure = failureOf(error);
    await noteRefusal(deps, release, failure);
    throw failure;
  }
}

function deploymentOf(release: ReleaseId): string {
  return `dep_${release}`;
}

async function readDeployed({ trx }: Unit, release: ReleaseId): Promise<Deployed | null> {
  const row = await trx.selectFrom("deployments").selectAll().where("id", "=", deploymentOf(release)).executeTakeFirst();
  return row
    ? deployed({ version: row.version_id, environment: row.environment, epoch: row.epoch, previous: row.previous })
    : null;
}

function deployed({ previous, ...move }: Omit<Deployed, "summary"> & { previous: VersionId | null }): Deployed {
  const before = previous === null ? "the first one" : `before it ${previous}`;
  return { ...move, summary: `${move.version} is the champion of ${move.environment} (epoch ${move.epoch}), ${before}.` };
}

async function move(deps: RecordDeps, unit: Unit, release: ReleaseId): Promise<Deployed> {
  const { trx } = unit;
  const row = await needRelease(trx, release);
  const before = await readDeployed(unit, release);
  if (before) return before;
  if (row.state === "ended")
    throw new CountersignError("not-active", `${release} ended as ${row.outcome ?? "ended"}; it is not deployed any more.`);
  const model = await trx.selectFrom("models").select("state").where("name", "=", row.model).executeTakeFirstOrThrow();
  if (model.state === "retired") throw new CountersignError("model-retired", `${row.model} was retired.`);
  const { environment } = await readPinned(trx, release);
  const version = await trx.selectFrom("versions").selectAll().where("release_id", "=", release).executeTakeFirstOrThrow();
  const approved = await verifyApproval(trx, deps.verifier, { version, environment });
  // What serves already goes on serving, and can be rolled back to; something new waits until the record is whole.
  if (approved.doubt !== null) throw new CountersignError("not-signed", approved.doubt);
  const slot = await trx
    .selectFrom("slots")
    .selectAll()
    .where("model", "=", row.model)
    .where("environment", "=", environment)
    .executeTakeFirstOrThrow();
  const epoch = await moveSlot(unit, {
    deployment: deploymentOf(release),
    kind: "promote",
    slot,
    version: version.id,
    approved,
    by: approved.by,
    reason: approved.because,
  });
  return deployed({ version: version.id, environment, epoch, previous: slot.champion_version });
}

/** Only what is refused for good goes on record, once a reason. */
async function noteRefusal(deps: RecordDeps, release: ReleaseId, failure: Error): Promise<void> {
  if (!("nonRetryable" in failure && failure.nonRetryable === true)) return;
  const code = "type" in failure ? String(failure.type) : "internal";
  await inTransaction(deps.db, async ({ trx, note }) => {
    if (await isAudited(trx, { kind: "deployment.refused", subject: release, key: "why", value: failure.message })) return;
    const model = await trx.selectFrom("releases").select("model").where("id", "=", release).executeTakeFirst();
    note({
      kind: "deployment.refused",
      actor: "countersign",
      model: model?.model ?? null,
      subject: release,
      data: { code, why: failure.message },
    });
  });
}
