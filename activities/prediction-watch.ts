import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { Db } from "../db/database.ts";
import { type Enrolment, readLastLooks, recordWindow } from "../db/enrolments.ts";
import { countPredictions, type LoggedPrediction, type LogWindow, readPredictions } from "../db/predictions.ts";
import { readVersionManifest } from "../db/serving-slots.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { MonitorWindow, ReferenceProfile } from "../domain/evidence.ts";
import type { FeatureSpec } from "../domain/stage-results.ts";
import { compareWindow } from "../ml/drift/compare-window.ts";
import type { DriftColumn } from "../ml/drift/reference-profile.ts";
import { createFeatureEngine } from "../ml/features/compute-features.ts";
import type { StageTools } from "../ml/stage-tools.ts";

const dayMs = 24 * 60 * 60 * 1000;
/** A prediction's time is that of its transaction's beginning; it is there for others some moments later. Serving gives up after 2 s. */
const settlingMs = 3_000;
/** Of a larger window the newest rows are compared: effect sizes no longer move, and memory stays within some 20 MB. */
const maxComparedRows = 20_000;
const chunkRows = 2_000;

/**
 * One look at what a version predicted since its last window with a verdict (24 hours at most):
 * how much, what was missing, and how far each feature and the scores have moved from the profile.
 * A window with fewer rows than the definition's minimum stays open and is looked at again.
 * Null when there is nothing to look at.
 */
export async function lookAt(
  deps: { db: Db; store: ArtifactStore },
  enrolment: Enrolment,
  tools: StageTools,
): Promise<MonitorWindow | null> {
  const { db, store } = deps;
  const looks = await readLastLooks(db, enrolment);
  const nowMs = Date.parse(looks.now);
  const dayAgo = new Date(nowMs - dayMs).toISOString();
  const from = looks.concluded !== null && looks.concluded.to > dayAgo ? looks.concluded.to : dayAgo;
  const to = new Date(nowMs - settlingMs).toISOString();
  if (to <= from) return null;
  const span: LogWindow = { model: enrolment.model, environment: enrolment.environment, version: enrolment.version, from, to };
  const rows = await countPredictions(db, span);
  if (rows === 0) return null;
  const { manifest } = await readVersionManifest(db, enrolment.version);
  const { minimumRows, drift } = (await store.getJson<ResolvedDefinition>(manifest.definition)).monitor;
  const window = { from, to, rows };
  if (rows < minimumRows) {
    const open: MonitorWindow = { ...window, verdict: "too-few", columns: [] };
    await recordWindow(db, { watched: enrolment, window: open, audited: !looks.open });
    return open;
  }
  tools.progress(`compares ${Math.min(rows, maxComparedRows)} predictions of ${enrolment.version} with its reference`);
  const predictions = await readPredictions(db, span, maxComparedRows);
  const spec = await store.getJson<FeatureSpec>(manifest.features);
  const compared = compareWindow({
    profile: await store.getJson<ReferenceProfile>(enrolment.profile),
    columns: await recomputeFeatures({ store, spec, predictions }, tools),
    scores: Float64Array.from(predictions, ({ score }) => score),
    limits: drift,
    minimumRows,
  });
  const concluded: MonitorWindow = { ...window, verdict: compared.verdict, columns: compared.columns };
  await recordWindow(db, { watched: enrolment, window: concluded, audited: true });
  return concluded;
}

/** The features that were served, from the requests as logged, by the version's own SQL and lookups. */
async function recomputeFeatures(
  input: { store: ArtifactStore; spec: FeatureSpec; predictions: LoggedPrediction[] },
  tools: StageTools,
): Promise<Record<string, DriftColumn>> {
  const { store, spec, predictions } = input;
  const columns: Record<string, DriftColumn> = Object.fromEntries(
    spec.features.map(({ name, type }) => [
      name,
      type === "float" ? new Float32Array(predictions.length) : Array.from({ length: predictions.length }, () => ""),
    ]),
  );
  const engine = await createFeatureEngine({ store, spec });
  try {
    for (let start = 0; start < predictions.length; start += chunkRows) {
      tools.signal.throwIfAborted();
      const chunk = await engine.compute(predictions.slice(start, start + chunkRows).map(({ request }) => request));
      for (const column of chunk.columns) {
        const whole = columns[column.name];
        for (let row = 0; row < column.values.length; row += 1)
          if (whole !== undefined) whole[start + row] = column.values[row] ?? whole[start + row] ?? "";
      }
    }
    return columns;
  } finally {
    await engine.close();
  }
}
