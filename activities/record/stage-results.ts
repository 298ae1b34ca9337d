import type { Trx } from "../../db/database.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { Digest } from "../../domain/ids.ts";
import { sealedStages, sealedText, type SealedStage, type StageQuestions } from "../../domain/stage-seal.ts";
import type {
  EvaluateResult,
  FeaturizeResult,
  IngestResult,
  StageContext,
  TrainingFiles,
  TrainResult,
} from "../../domain/stage-results.ts";
import type { Stage } from "../../domain/stages.ts";
import { jobFiles } from "../../ml/trainers/job-contract.ts";
import type { RecordDeps } from "./deps.ts";
import type { ReleaseRow } from "./new-release.ts";
import { readPinned } from "./pinned-release.ts";
import { readChampionVersion } from "../slot/read-slot.ts";

/** What the stages before have left, by its own name. They wrote it, so it has their types. */
export interface StageResults {
  ingest: IngestResult;
  featurize: FeaturizeResult;
  train: TrainResult;
  evaluate: EvaluateResult;
}

/** A stage's result as it is on record. Throws `result-not-sealed` where the stage is not done. */
export async function readResult<Name extends keyof StageResults>(
  trx: Trx,
  release: string,
  stage: Name,
): Promise<StageResults[Name]> {
  const row = await trx
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", release)
    .where("stage", "=", stage)
    .where("state", "=", "done")
    .executeTakeFirst();
  if (!row?.result) throw unproven(`${release} has no result of ${stage} on record.`);
  // As the stage gave it, whose seal was verified when it was recorded.
  return row.result as unknown as StageResults[Name];
}

export function unproven(message: string): CountersignError {
  return new CountersignError("result-not-sealed", message);
}

/**
 * Whether a result is what the stage gave for this release, asked what the records say that it must have been asked:
 * by the seal of the stages' workers, of a deployment by its row, of a training by the artifacts that it names.
 * Throws `result-not-sealed`.
 */
export async function verifyResult(
  deps: RecordDeps,
  trx: Trx,
  { row, stage, result }: { row: ReleaseRow; stage: Stage; result: object },
): Promise<void> {
  if (stage === "deploy") return verifyDeployed(trx, row);
  if (stage === "train") return verifyTrained(deps, trx, { row, trained: result as TrainResult });
  if (!isSealed(stage)) throw unproven(`${String(stage)} is no stage.`);
  const asked = await questionOf(deps, trx, { row, stage, result });
  const text = sealedText({ stage, asked, result });
  if (deps.sealer.verify(text, (result as { seal?: unknown }).seal)) return;
  throw unproven(
    `The result of ${stage} carries no seal of a stages worker for what ${row.id} had to ask: it was made before results were sealed, or for something else, or by somebody else.`,
  );
}

function isSealed(stage: string): stage is SealedStage {
  return (sealedStages as readonly string[]).includes(stage);
}

/** What the stage must have been asked, from the records alone. */
async function questionOf<Asked extends SealedStage>(
  deps: RecordDeps,
  trx: Trx,
  { row, stage, result }: { row: ReleaseRow; stage: Asked; result: object },
): Promise<StageQuestions[Asked]> {
  const context: StageContext = {
    model: row.model,
    release: row.id,
    definition: row.definition_digest,
    parameters: row.parameters,
  };
  const questions: { [Stage in SealedStage]: () => Promise<StageQuestions[Stage]> } = {
    ingest: async () => context,
    validate: async () => ({ ...context, dataset: (await readResult(trx, row.id, "ingest")).dataset }),
    featurize: async () => ({ ...context, dataset: (await readResult(trx, row.id, "ingest")).dataset }),
    evaluate: () => evaluationQuestion(deps, trx, { row, context, result }),
    monitor: () => monitorQuestion(trx, { row, context }),
  };
  return questions[stage]();
}

async function evaluationQuestion(
  deps: RecordDeps,
  trx: Trx,
  { row, context, result }: { row: ReleaseRow; context: StageContext; result: object },
): Promise<StageQuestions["evaluate"]> {
  const { onnx, features } = await readManifest(trx, row.id);
  const { baseline = null } = await readResult(trx, row.id, "train");
  const { evaluation } = result as { evaluation?: Digest };
  const { championVersion } = await deps.store.getJson<Evaluation>(String(evaluation) as Digest);
  await demandChampion(trx, { row, version: championVersion });
  const champion = championVersion === null ? null : { version: championVersion, ...(await servedBy(trx, championVersion)) };
  const holdout = await readResult(trx, row.id, "featurize");
  return { ...context, holdout, candidate: { onnx, features }, baseline, champion };
}

async function monitorQuestion(
  trx: Trx,
  { row, context }: { row: ReleaseRow; context: StageContext },
): Promise<StageQuestions["monitor"]> {
  const { onnx, features: spec, trainData: train } = await readManifest(trx, row.id);
  const { holdout } = await readResult(trx, row.id, "featurize");
  const { environment } = await readPinned(trx, row.id);
  return { ...context, version: row.id, environment, train, spec, holdout, onnx };
}

/** Compared with the champion of now, or with one that was moved away while the stage ran: with anybody else nothing is proven. */
async function demandChampion(trx: Trx, { row, version }: { row: ReleaseRow; version: string | null }): Promise<void> {
  const { environment } = await readPinned(trx, row.id);
  if ((await readChampionVersion(trx, { model: row.model, environment })) === version) return;
  const movedMeanwhile = await trx
    .selectFrom("deployments as d")
    .innerJoin("release_stages as s", (join) => join.on("s.release_id", "=", row.id).on("s.stage", "=", "evaluate"))
    .select("d.id")
    .where("d.model", "=", row.model)
    .where("d.environment", "=", environment)
    .where("d.previous", version === null ? "is" : "=", version)
    .whereRef("d.at", ">=", "s.started_at")
    .executeTakeFirst();
  if (!movedMeanwhile) throw unproven(`${row.id} was compared with ${version ?? "no champion"}, which is not the champion.`);
}

async function servedBy(trx: Trx, version: string): Promise<{ onnx: Digest; features: Digest }> {
  const { onnx, features } = await readManifest(trx, version);
  return { onnx, features };
}

async function readManifest(trx: Trx, version: string) {
  const row = await trx.selectFrom("versions").select("manifest").where("id", "=", version).executeTakeFirst();
  if (!row) throw unproven(`There is no version ${version} on record.`);
  return row.manifest;
}

async function verifyDeployed(trx: Trx, row: ReleaseRow): Promise<void> {
  const moved = await trx
    .selectFrom("deployments")
    .select("id")
    .where("version_id", "=", row.id)
    .where("kind", "=", "promote")
    .executeTakeFirst();
  if (!moved) throw unproven(`${row.id} was never deployed.`);
}

/**
 * Training workers run other people's code and have no key: their bytes are judged by the evaluation. What they
 * claim must hold together all the same: the definition's trainer, and files that name this model.
 */
async function verifyTrained(
  deps: RecordDeps,
  trx: Trx,
  { row, trained }: { row: ReleaseRow; trained: TrainResult },
): Promise<void> {
  const { body } = await trx
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", row.model)
    .where("digest", "=", row.definition_digest)
    .executeTakeFirstOrThrow();
  if (trained.trainer !== body.train.trainer)
    throw unproven(`${row.id} is trained by ${body.train.trainer}; this result is of ${String(trained.trainer)}.`);
  if (!(await deps.store.has(trained.model))) throw unproven("The model that the training names is not in the artifact store.");
  if (trained.files === undefined) return;
  const files = await deps.store.getJson<TrainingFiles>(trained.files);
  if (files[jobFiles.model]?.digest !== trained.model) throw unproven("The files of the training name another model.");
  const { train } = await readResult(trx, row.id, "featurize");
  // Where rows were set apart the trainer saw a part of the table, which has a digest of its own.
  if (files[jobFiles.validation] === undefined && files[jobFiles.train]?.digest !== train)
    throw unproven("The files of the training name another training table.");
}
