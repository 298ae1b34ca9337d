import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { FeatureChecks } from "../domain/data-finding.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { DatasetManifest, FeaturizeResult, StageContext } from "../domain/stage-results.ts";
import { buildFeatures } from "../ml/features/build-features.ts";
import { runStage } from "./stage-run.ts";

/**
 * The third stage: the definition's SQL over the frozen data gives the training and the holdout
 * table. Same data, same definition, same seed: same digests.
 * Throws `leakage` where the label is given away beyond doubt and the definition does not accept that.
 */
export function createFeaturizeActivity({
  store,
}: {
  store: ArtifactStore;
}): (input: StageContext & { dataset: Digest }) => Promise<FeaturizeResult> {
  return runStage(async (input, tools) => {
    const definition = await store.getJson<ResolvedDefinition>(input.definition);
    const manifest = await store.getJson<DatasetManifest>(input.dataset);
    const built = await buildFeatures(
      { store, definition, manifest, seed: input.parameters.seed ?? definition.train.seed },
      tools,
    );
    if (built.checks !== undefined) refuseLeakage(await store.getJson<FeatureChecks>(built.checks));
    return built;
  });
}

function refuseLeakage({ findings }: FeatureChecks): void {
  const leaks = findings.filter(({ certain, accepted }) => certain === true && accepted === undefined);
  if (leaks.length === 0) return;
  const faults = leaks.map(({ kind, message }) => ({ path: kind === "overlap" ? "split" : "features.sql", message }));
  const told = leaks.slice(0, 3).map(({ message }) => message.replace(/: (is it|are both) known .*$/, ""));
  throw new CountersignError("leakage", `The evaluation would say nothing of this model: ${told.join("; ")}.`, { faults });
}
