import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { Digest } from "../domain/ids.ts";
import type { DatasetManifest, FeaturizeResult, StageContext } from "../domain/stage-results.ts";
import { buildFeatures } from "../ml/features/build-features.ts";
import { runStage } from "./stage-run.ts";

/**
 * The third stage: the definition's SQL over the frozen data gives the training and the holdout
 * table. Same data, same definition, same seed: same digests.
 */
export function createFeaturizeActivity({
  store,
}: {
  store: ArtifactStore;
}): (input: StageContext & { dataset: Digest }) => Promise<FeaturizeResult> {
  return runStage(async (input, tools) => {
    const definition = await store.getJson<ResolvedDefinition>(input.definition);
    const manifest = await store.getJson<DatasetManifest>(input.dataset);
    return buildFeatures({ store, definition, manifest, seed: input.parameters.seed ?? definition.train.seed }, tools);
  });
}
