import type { Digest, PrincipalId, ReleaseId } from "../../domain/ids.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Stage } from "../../domain/stages.ts";
import { addContributor } from "./contributors.ts";
import type { RecordDeps } from "./deps.ts";
import { needRelease, readPinned } from "./pinned-release.ts";
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

export async function endStage(deps: RecordDeps, input: EndedStage): Promise<void> {
  const { release, stage, begins } = input;
  await inTransaction(deps.db, async (unit) => {
    const before = await readStage(unit, release, stage);
    if (before?.state === "done") return;
    await end(unit, input);
    if (begins) await begin(unit, { release, stage: begins });
  });
}

async function end(unit: Unit, { release, stage, attempts, ...input }: EndedStage): Promise<void> {
  const result = storable(input.result);
  const row = await needRelease(unit.trx, release);
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
    model: row.model,
    subject: release,
    data: { stage, attempts, result: { ...result } },
  });
}

/** A stage that leaves a log names its artifact so. */
function logOf(result: object): Digest | null {
  return "log" in result && typeof result.log === "string" && result.log.startsWith("sha256:") ? (result.log as Digest) : null;
}

/** Throws `skip-not-allowed` where the release's policy does not name the stage. Who skips has contributed. */
export async function skipStage(
  deps: RecordDeps,
  input: { release: ReleaseId; stage: Stage; by: PrincipalId; reason: string },
): Promise<void> {
  const { release, stage, by, reason } = input;
  await inTransaction(deps.db, async (unit) => {
    const { trx, note } = unit;
    const row = await needRelease(trx, release);
    const { skippable } = await readPinned(trx, release);
    if (!skippable.some((one) => one === stage))
      throw new CountersignError("skip-not-allowed", `The policy of ${release} allows no skip of ${stage}.`);
    const before = await readStage(unit, release, stage);
    if (before?.state === "skipped") return;
    const skipped = { state: "skipped" as const, ended_at: new Date(), summary: `Skipped by ${by}: ${reason}` };
    await trx
      .insertInto("release_stages")
      .values({ release_id: release, stage, ...skipped })
      .onConflict((conflict) => conflict.columns(["release_id", "stage"]).doUpdateSet(skipped))
      .execute();
    await addContributor(trx, release, { principal: by, how: `skipped the ${stage} stage` });
    note({ kind: "stage.skipped", actor: by, model: row.model, subject: release, data: { stage, reason } });
  });
}

async function readStage({ trx }: Unit, release: ReleaseId, stage: Stage) {
  return trx
    .selectFrom("release_stages")
    .select("state")
    .where("release_id", "=", release)
    .where("stage", "=", stage)
    .executeTakeFirst();
}
