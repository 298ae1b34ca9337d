import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { IngestResult, StageContext } from "../domain/stage-results.ts";
import { freezeDataset } from "../ml/datasets/freeze-dataset.ts";
import { runStage } from "./stage-run.ts";

/**
 * The first stage: the bytes of the files that the definition names, as they are now, go into the
 * artifact store. Repeating it with unchanged files gives the same digest.
 */
export function createIngestActivity({
  store,
  dataRoot,
}: {
  store: ArtifactStore;
  dataRoot: string;
}): (input: StageContext) => Promise<IngestResult> {
  return runStage(async ({ definition, parameters }, tools) => {
    const { data } = await store.getJson<ResolvedDefinition>(definition);
    const { manifest, summary } = await freezeDataset({ dataRoot, store, data, parameters }, tools);
    const files = Object.values(manifest.sources).flatMap((source) => source.files);
    return {
      summary,
      dataset: await store.putJson(manifest),
      rows: manifest.sources[manifest.rows]?.rows ?? 0,
      files: files.length,
      bytes: files.reduce((bytes, file) => bytes + file.bytes, 0),
    };
  });
}
