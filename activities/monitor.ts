import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { Db } from "../db/database.ts";
import { enrol } from "../db/enrolments.ts";
import { CountersignError } from "../domain/errors.ts";
import { driftInWords, driftOf } from "../domain/drift-words.ts";
import type { MonitorWindow } from "../domain/evidence.ts";
import type { FeatureSpec, MonitorResult } from "../domain/stage-results.ts";
import { verifiedPath } from "../ml/artifact-access.ts";
import { buildReferenceProfile } from "../ml/drift/reference-profile.ts";
import { createScorer, type Scores } from "../ml/onnx/scorer.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import { readTrainingData } from "../ml/trainers/training-data.ts";
import type { MonitorInput } from "./contract.ts";
import { lookAt } from "./prediction-watch.ts";
import { runStage } from "./stage-run.ts";

/**
 * The seventh stage: keeps what the training data and the scores on the holdout looked like, has the
 * version watched against that, and takes a first look. The same input gives the same profile and
 * enrols once.
 */
export function createMonitorActivity({
  db,
  store,
}: {
  db: Db;
  store: ArtifactStore;
}): (input: MonitorInput) => Promise<MonitorResult> {
  return runStage((input, tools) => enrolVersion({ db, store }, input, tools));
}

export async function enrolVersion(
  { db, store }: { db: Db; store: ArtifactStore },
  input: MonitorInput,
  tools: StageTools,
): Promise<MonitorResult> {
  const { model, environment, version } = input;
  await demandOwnInputs(db, input);
  const { features, label } = await store.getJson<FeatureSpec>(input.spec);
  const read = async (digest: MonitorInput["train"]) =>
    readTrainingData({ path: await verifiedPath(store, digest), features, label: "label", task: label });
  tools.progress("reads the training data");
  const training = await read(input.train);
  tools.signal.throwIfAborted();
  tools.progress("scores the holdout");
  const scorer = await createScorer({ bytes: await store.get(input.onnx), features, label });
  const holdout = await read(input.holdout);
  const scores = watchedScores(await scorer.scoreAll(holdout.columns));
  await scorer.close();
  tools.signal.throwIfAborted();
  const reference = buildReferenceProfile({ version, columns: training.columns, scores });
  const profile = await store.putJson(reference);
  await enrol(db, { model, environment, version, profile }, "its release ended in production");
  const window = await lookAt({ db, store }, { model, environment, version, profile }, tools);
  return { summary: `Enrolled with a reference of ${count(reference.rows)} rows; ${lookInWords(window)}`, profile };
}

/** A version is watched by what it was made of: another table or model would make its drift invisible. */
async function demandOwnInputs(db: Db, { model, version, train, spec, holdout, onnx }: MonitorInput): Promise<void> {
  const row = await db
    .selectFrom("versions as v")
    .innerJoin("release_stages as s", (join) => join.onRef("s.release_id", "=", "v.release_id").on("s.stage", "=", "featurize"))
    .select(["v.model", "v.manifest", "s.result as featurized"])
    .where("v.id", "=", version)
    .executeTakeFirst();
  const { manifest, featurized } = row ?? {};
  const isItsOwn =
    row?.model === model &&
    manifest?.trainData === train &&
    manifest.features === spec &&
    manifest.onnx === onnx &&
    featurized?.["holdout"] === holdout;
  if (!isItsOwn) throw new CountersignError("digest-mismatch", `These are not the tables and the model of ${version}.`);
}

/** The one number of a row that is watched: probability or value; of several classes the likeliest one's probability, as it is logged. */
function watchedScores({ width, values }: Scores): Float32Array {
  if (width === 1) return values;
  return Float32Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width).reduce((most, value) => Math.max(most, value), 0),
  );
}

function lookInWords(window: MonitorWindow | null): string {
  if (window === null) return "no predictions yet in production.";
  const predictions = `${count(window.rows)} prediction${window.rows === 1 ? "" : "s"} so far`;
  if (window.verdict === "too-few") return `${predictions}, too few for a verdict.`;
  const [largest] = [...window.columns].sort((a, b) => driftOf(b) - driftOf(a));
  const most = largest === undefined ? "" : `; most moved: ${driftInWords(largest)}`;
  return `${predictions}: ${window.verdict === "steady" ? "steady" : "they have drifted"}${most}.`;
}

function count(rows: number): string {
  return rows.toLocaleString("en-US");
}
