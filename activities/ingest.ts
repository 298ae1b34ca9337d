import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { IngestResult, StageContext } from "../domain/stage-results.ts";
import { type FileMemory, freezeDataset } from "../ml/datasets/freeze-dataset.ts";
import type { RemoteOffers } from "../ml/datasets/offers.ts";
import { runStage } from "./stage-run.ts";

export interface IngestDeps {
  store: ArtifactStore;
  dataRoot: string;
  /** Sources of other machines; without it only files below the data root are read. */
  remote?: RemoteOffers;
  /** Readings of before; without it every file is read each time. */
  memory?: FileMemory;
}

/**
 * The first stage: the bytes of the sources that the definition names, as they are now, go into the
 * artifact store. Repeating it with unchanged sources gives the same digest.
 */
export function createIngestActivity({ store, ...deps }: IngestDeps): (input: StageContext) => Promise<IngestResult> {
  return runStage(async ({ definition, parameters }, tools) => {
    const { data } = await store.getJson<ResolvedDefinition>(definition);
    const { manifest, summary } = await freezeDataset({ ...deps, store, data, parameters }, tools);
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
