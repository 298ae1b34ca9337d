import type { Digest, PrincipalId, ReleaseId } from "../../domain/ids.ts";
import type { AuditRecord } from "../../domain/audit-events.ts";
import { CountersignError } from "../../domain/errors.ts";
import { workflowIds } from "../../domain/ids.ts";
import type { Stage } from "../../domain/stages.ts";
import type { RecordDeps } from "./deps.ts";
import { calledBy } from "./current-call.ts";
import { needRelease, readPinned } from "./pinned-release.ts";
import { verifyResult } from "./stage-results.ts";
import { storable } from "./storable.ts";
import { inTransaction, type Unit } from "./transaction.ts";

/** The stage runs, for the first time or again. A release that has ended meanwhile stays as it is. */
export async function beginStage(deps: RecordDeps, input: { release: ReleaseId; stage: Stage }): Promise<void> {
  await inTransaction(deps.db, (unit) => begin(unit, input));
}

async function begin(unit: Unit, { release, stage }: { release: ReleaseId; stage: Stage }): Promise<void> {
  const { trx, note } = unit;
  const row = await needRelease(trx, release);
  if (row.state === "ended") return;
  // A blocked release goes on when a person says so; a message about a stage does not unblock it.
  if (row.blocked && !calledBy(workflowIds.release(release))) return;
  const before = await readStage(unit, release, stage);
  if (row.state === "running" && row.stage === stage && before?.state === "running") return;
  await trx
    .updateTable("releases")
    .set({ state: "running", stage, blocked: null, waits_for: null })
    .where("id", "=", release)
    .execute();
  const began = { state: "running" as const, started_at: new Date(), ended_at: null, summary: null, result: null, error: null };
  await trx
    .insertInto("release_stages")
    .values({ release_id: release, stage, ...began })
    .onConflict((conflict) => conflict.columns(["release_id", "stage"]).doUpdateSet(began))
    .execute();
  note({
    kind: "stage.started",
    actor: "countersign",
    model: row.model,
    subject: release,
    data: { stage, again: before !== undefined },
  });
}

export interface EndedStage {
  release: ReleaseId;
  stage: Stage;
  attempts: number;
  result: { summary: string } & object;
  /** The stage that follows at once; its beginning goes on record in the same transaction. */
  begins?: Stage;
}

/** Records what a stage gave. Throws `result-not-sealed` for what the stage did not give, or not for this release. */
export async function endStage(deps: RecordDeps, input: EndedStage): Promise<void> {
  const { release, stage, begins } = input;
  await inTransaction(deps.db, async (unit) => {
    const before = await readStage(unit, release, stage);
    if (before?.state === "done") return;
    const row = await needRelease(unit.trx, release);
    await verifyResult(deps, unit.trx, { row, stage, result: input.result });
    await end(unit, { ...input, model: row.model });
    if (begins) await begin(unit, { release, stage: begins });
  });
}

async function end(unit: Unit, { release, stage, attempts, model, ...input }: EndedStage & { model: string }): Promise<void> {
  const result = storable(input.result);
  const log = logOf(result);
  const ended = {
    state: "done" as const,
    attempts,
    ended_at: new Date(),
    summary: result.summary,
    result: JSON.stringify(result),
    error: null,
    ...(log && { log }),
  };
  await unit.trx
    .insertInto("release_stages")
    .values({ release_id: release, stage, ...ended })
    .onConflict((conflict) => conflict.columns(["release_id", "stage"]).doUpdateSet(ended))
    .execute();
  unit.note({
    kind: "stage.ended",
    actor: "countersign",
    model,
    subject: release,
    data: { stage, attempts, result: { ...result } },
  });
}

/** A stage that leaves a log names its artifact so. */
function logOf(result: object): Digest | null {
  return "log" in result && typeof result.log === "string" && result.log.startsWith("sha256:") ? (result.log as Digest) : null;
}

/**
 * Carries out the skip that a person asked for: who and why stands in the record of her signed command, and not in
 * what the workflow says. Throws `skip-not-allowed` where there is none, or the release's policy does not name the stage.
 */
export async function skipStage(deps: RecordDeps, input: { release: ReleaseId; stage: Stage }): Promise<void> {
  const { release, stage } = input;
  await inTransaction(deps.db, async (unit) => {
    const { trx, note } = unit;
    const row = await needRelease(trx, release);
    const { skippable } = await readPinned(trx, release);
    if (!skippable.some((one) => one === stage))
      throw new CountersignError("skip-not-allowed", `The policy of ${release} allows no skip of ${stage}.`);
    const before = await readStage(unit, release, stage);
    if (before?.state === "skipped") return;
    const asked = await readSkip(unit, { release, stage });
    if (asked === null) throw new CountersignError("skip-not-allowed", `Nobody asked to skip the ${stage} stage of ${release}.`);
    const { by, reason } = asked;
    const skipped = { state: "skipped" as const, ended_at: new Date(), summary: `Skipped by ${by}: ${reason}` };
    await trx
      .insertInto("release_stages")
      .values({ release_id: release, stage, ...skipped })
      .onConflict((conflict) => conflict.columns(["release_id", "stage"]).doUpdateSet(skipped))
      .execute();
    note({ kind: "stage.skipped", actor: by, model: row.model, subject: release, data: { stage, reason } });
  });
}

/** The last word on a blocked release, where it was to skip this stage. */
async function readSkip(
  { trx }: Unit,
  { release, stage }: { release: ReleaseId; stage: Stage },
): Promise<{ by: PrincipalId; reason: string } | null> {
  const last = await trx
    .selectFrom("audit")
    .select("body")
    .where("subject", "=", release)
    .where("kind", "=", "release.unblocked")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!last) return null;
  // As unblock-release.ts wrote it.
  const { actor, data } = JSON.parse(last.body) as AuditRecord & { data: { action: string; stage: string; reason: string } };
  return data.action === "skip" && data.stage === stage ? { by: actor, reason: data.reason } : null;
}

async function readStage({ trx }: Unit, release: ReleaseId, stage: Stage) {
  return trx
    .selectFrom("release_stages")
    .select("state")
    .where("release_id", "=", release)
    .where("stage", "=", stage)
    .executeTakeFirst();
}
