import { modelOf, releaseIdPattern, workflowIds, type Digest, type VersionId } from "../../domain/ids.ts";
import { differencesKept, reproductionRunsForMs, trainingDifferences } from "../../domain/reproduction.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { FeaturizeResult, TrainResult, VersionManifest } from "../../domain/stage-results.ts";
import type { Trx } from "../../db/database.ts";
import type { Refused, ReproducedTraining, ReproductionEnded, ReproductionStarted } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import { calledBy } from "./current-call.ts";
import type { RecordDeps } from "./deps.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { storableText } from "./storable.ts";
import { inTransaction, type Unit } from "./transaction.ts";

type Started = { reproduction: string; version: VersionId };

/**
 * Puts a reproduction on record and says how to train: from what the version's manifest keeps, with the
 * parameters that were trained with, those that a search found among them. While one of the same version
 * runs, that one answers.
 */
export async function startReproduction(
  deps: RecordDeps,
  command: CommandOf<"reproduce">,
): Promise<ReproductionStarted | Refused> {
  const version = claimed(command, "version");
  const rule = { action: "release", subject: version, model: releaseIdPattern.test(version) ? modelOf(version) : null } as const;
  const outcome = await carryOut(deps, { command, rule }, async (unit, actor): Promise<Outcome<Started>> => {
    const { trx, note } = unit;
    const row = await trx.selectFrom("versions").selectAll().where("id", "=", version).forNoKeyUpdate().executeTakeFirst();
    if (!row) return refused("not-found", `There is no version ${version}.`);
    const { name } = row.manifest.trainer;
    if (name === "import")
      return refused(
        "not-reproducible",
        `${version} was trained elsewhere, as its origin declares: nothing here can train it again.`,
      );
    const open = await openOne(unit, version);
    if (open !== null) return { ok: true, result: { reproduction: open, version } };
    const until = new Date(Date.now() + reproductionRunsForMs);
    await trx
      .insertInto("reproductions")
      .values({ id: command.id, version_id: version, requested_by: actor.id, until })
      .execute();
    note({
      kind: "reproduction.started",
      actor: actor.id,
      model: row.model,
      subject: version,
      data: { command: command.id, trainer: name, onnx: row.manifest.onnx },
    });
    return { ok: true, result: { reproduction: command.id, version } };
  });
  if (!outcome.ok) return outcome;
  if (outcome.result.reproduction !== command.id) return { ok: true, work: null };
  return { ok: true, work: await readWork(deps, command.id, version) };
}

/** The one that runs; one whose time is over is closed as lost. */
async function openOne({ trx, note }: Unit, version: VersionId): Promise<string | null> {
  const open = await trx
    .selectFrom("reproductions")
    .select(["id", "until", "requested_by"])
    .where("version_id", "=", version)
    .where("ended_at", "is", null)
    .executeTakeFirst();
  if (!open) return null;
  if (open.until > new Date()) return open.id;
  const fault = { code: "transient", message: "Its workflow ended without an answer." };
  await closeFailed({ trx, note }, { id: open.id, version, by: open.requested_by, fault });
  return null;
}

async function readWork({ db }: RecordDeps, id: string, version: VersionId): Promise<ReproductionStarted["work"]> {
  const { manifest, parameters, release_id } = await db
    .selectFrom("versions")
    .innerJoin("releases", "releases.id", "versions.release_id")
    .select(["versions.manifest", "versions.release_id", "releases.parameters"])
    .where("versions.id", "=", version)
    .executeTakeFirstOrThrow();
  const stages = await db
    .selectFrom("release_stages")
    .select(["stage", "result"])
    .where("release_id", "=", release_id)
    .where("stage", "in", ["featurize", "train"])
    .execute();
  const resultOf = (stage: string) => stages.find((one) => one.stage === stage)?.result ?? null;
  // What these stages put there.
  const featurized = resultOf("featurize") as Partial<FeaturizeResult> | null;
  const trained = resultOf("train") as Partial<TrainResult> | null;
  const { seed, parameters: train } = manifest.trainer;
  return {
    recorded: manifest.onnx,
    holdout: featurized?.holdout ?? null,
    training: {
      model: manifest.model,
      // The name of its job folder, which the release's own may not share.
      release: `${version}+${id}`,
      definition: manifest.definition,
      parameters: { ...parameters, seed, train },
      spec: manifest.features,
      train: manifest.trainData,
      // Only those of these very bytes: a stage that was done again may have left others.
      files: trained?.model === manifest.onnx ? (trained.files ?? null) : null,
    },
  };
}

/** Compares what was trained with the version's manifest, and records it. Once: the first ending stays. Its own workflow says it. */
export async function endReproduction(deps: RecordDeps, given: ReproductionEnded): Promise<void> {
  await inTransaction(deps.db, async (unit) => {
    const { trx, note } = unit;
    if (!calledBy(workflowIds.reproduction(given.id))) {
      const why = "Only the reproduction's own workflow ends it.";
      const claimed = JSON.stringify(given);
      return noteRefusedMessage(unit, { subject: String(given.id), model: null, message: "endReproduction", claimed, why });
    }
    const row = await trx
      .selectFrom("reproductions")
      .innerJoin("versions", "versions.id", "reproductions.version_id")
      .select(["reproductions.requested_by", "reproductions.ended_at", "versions.id", "versions.model", "versions.manifest"])
      .where("reproductions.id", "=", given.id)
      .forUpdate("reproductions")
      .executeTakeFirst();
    // None was ever started under this id: somebody else's workflow says so.
    if (!row || row.ended_at !== null) return;
    const { id: version, model, requested_by: by, manifest } = row;
    if ("fault" in given) return closeFailed({ trx, note }, { id: given.id, version, by, fault: given.fault });
    const { trained, compared } = given;
    const same = trained.model === manifest.onnx;
    const size = await sizeOf(deps, manifest.onnx);
    const differs = [...differencesOf(manifest, size, trained), ...compared.differs];
    const ended = { same, digest: trained.model, differs: differs.slice(0, differencesKept), effects: compared.effects };
    await trx
      .updateTable("reproductions")
      .set({ ...ended, differs: JSON.stringify(ended.differs), effects: JSON.stringify(ended.effects), ended_at: new Date() })
      .where("id", "=", given.id)
      .execute();
    const data = {
      command: given.id,
      same,
      digest: trained.model,
      recorded: manifest.onnx,
      differs: differs.map(({ what }) => what),
    };
    note({ kind: "version.reproduced", actor: by, model, subject: version, data });
  });
}

function differencesOf({ onnx, trainer }: VersionManifest, bytes: number | null, trained: ReproducedTraining) {
  const { model, seed, parameters, environment, modelBytes } = trained;
  const now = { onnx: model, trainer: { name: trained.trainer, seed, parameters, environment }, bytes: modelBytes };
  return trainingDifferences({ onnx, trainer, bytes }, now);
}

/** Of the bytes on record; null where they are gone. */
async function sizeOf({ store }: RecordDeps, digest: Digest): Promise<number | null> {
  return store.get(digest).then(
    (bytes) => bytes.byteLength,
    () => null,
  );
}

/** Puts on record that it came to nothing, with the cause. */
export async function closeFailed(
  { trx, note }: { trx: Trx; note: Unit["note"] },
  ended: { id: string; version: VersionId; by: string; fault: { code: string; message: string } },
): Promise<void> {
  const { id, version, by, fault } = ended;
  const message = storableText(fault.message);
  await trx
    .updateTable("reproductions")
    .set({ fault_code: fault.code, fault: message, ended_at: new Date() })
    .where("id", "=", id)
    .where("ended_at", "is", null)
    .execute();
  const data = { command: id, same: null, fault: fault.code, message };
  note({ kind: "version.reproduced", actor: by, model: modelOf(version), subject: version, data });
}
