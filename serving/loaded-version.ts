import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ColumnType } from "../domain/definition-schema.ts";
import { digestOfJson } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest, Timestamp, VersionId } from "../domain/ids.ts";
import type { ReferenceProfile } from "../domain/evidence.ts";
import type { InputWarning } from "../domain/input-warning.ts";
import type { FeatureSpec, VersionManifest } from "../domain/stage-results.ts";
import { createInputCheck } from "../ml/drift/input-check.ts";
import { createFeatureEngine } from "../ml/features/compute-features.ts";
import type { RequestReading } from "../ml/features/request-values.ts";
import { createScorer, type Scores } from "../ml/onnx/scorer.ts";
import { columnsByName } from "../ml/trainers/training-data.ts";
import { type Answer, answerOf } from "./answer.ts";
import type { RequestRow } from "./instance-check.ts";

/** A version that is whole in memory: its lookups, its features' SQL and its model, all checked against their digests. */
export interface LoadedVersion {
  readonly version: VersionId;
  /** Of its manifest, from which all of it was loaded. */
  readonly digest: Digest;
  readonly columns: Record<string, ColumnType>;
  /** How its requests are read: by the rule under which it was trained. */
  readonly requests: RequestReading;
  readonly lookups: { name: string; rows: number; asOf: Timestamp | null }[];
  readonly loadedAt: Timestamp;
  readonly loadMs: number;
  /** What the model says of each row, in the rows' order. */
  score(rows: RequestRow[]): Promise<ScoredRows>;
  /** From then on answers say what of their input training never saw. */
  knowProfile(profile: ReferenceProfile): void;
  knowsProfile(): boolean;
  /** What one row's numbers mean; null when they are no answer. */
  answerOf(values: Float32Array): Answer | null;
  /** Ends it when the work that it has been given is done. */
  close(): Promise<void>;
}

/** Callers have been answered by then (1.9 s); what goes on longer is only in the way of those who come after them. */
const featuresWithinMs = 2_500;

export interface ScoredRows extends Scores {
  /** Of one of the rows; nothing before the profile is known. */
  warningsOf(row: number): InputWarning[];
}

/**
 * Loads a version from the artifact store. Throws `digest-mismatch` when the manifest is not the
 * one that was recorded, `artifact-corrupt` and `not-found` for its bytes, `model-refused` and
 * `feature-sql` for what cannot be run.
 */
export async function loadVersion(
  store: ArtifactStore,
  { manifest, digest }: { manifest: VersionManifest; digest: Digest },
): Promise<LoadedVersion> {
  const startedMs = performance.now();
  if (digestOfJson(manifest) !== digest)
    throw new CountersignError("digest-mismatch", `The manifest of ${manifest.version} is not the one that was approved.`);
  // get() recomputes the digest of what it reads.
  const bytes = await store.get(manifest.onnx);
  const spec = await store.getJson<FeatureSpec>(manifest.features);
  // The engine verifies the lookup tables as it reads them.
  const engine = await createFeatureEngine({ store, spec, limitMs: featuresWithinMs });
  const scorer = await createScorer({ bytes, features: spec.features, label: spec.label }).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
  const rule = { label: spec.label ?? { task: "binary" as const }, positive: manifest.labelName, threshold: manifest.threshold };
  let underWay = 0;
  let closing: (() => void) | null = null;

  let check: ReturnType<typeof createInputCheck> | null = null;

  async function score(rows: RequestRow[]): Promise<ScoredRows> {
    underWay += 1;
    try {
      const { columns } = await engine.compute(rows);
      const scores = await scorer.scoreAll(columnsByName(columns));
      return { ...scores, warningsOf: (row) => check?.(columns, row) ?? [] };
    } finally {
      underWay -= 1;
      if (underWay === 0) closing?.();
    }
  }

  return {
    version: manifest.version,
    digest,
    columns: spec.request,
    requests: spec,
    lookups: Object.entries(spec.lookups).map(([name, { rows, asOf }]) => ({ name, rows, asOf })),
    loadedAt: new Date().toISOString(),
    loadMs: Math.round(performance.now() - startedMs),
    score,
    knowProfile: (profile) => void (check = createInputCheck(profile.columns)),
    knowsProfile: () => check !== null,
    answerOf: (values) => answerOf(values, rule),
    close: async () => {
      if (underWay > 0) await new Promise<void>((resolve) => (closing = resolve));
      await engine.close();
      await scorer.close();
    },
  };
}
