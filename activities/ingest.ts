import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { DataProfile } from "../domain/data-profile.ts";
import type { Digest, ModelName, VersionId } from "../domain/ids.ts";
import type { LocalRoot } from "../files/local-root.ts";
import type { IngestResult, StageContext } from "../domain/stage-results.ts";
import { parseContract } from "../ml/contracts/parse-contract.ts";
import { type FileMemory, freezeDataset } from "../ml/datasets/freeze-dataset.ts";
import type { RemoteOffers } from "../ml/datasets/offers.ts";
import { differenceInWords, profileDataset } from "../ml/datasets/profile-dataset.ts";
import { runStage } from "./stage-run.ts";

export interface IngestDeps {
  store: ArtifactStore;
  dataRoot: LocalRoot;
  /** Sources of other machines; without it only files below the data root are read. */
  remote?: RemoteOffers;
  /** Readings of before; without it every file is read each time. */
  memory?: FileMemory;
  /** The data of the version that serves, for the difference to it. */
  championData?: (slot: { model: ModelName; environment: string }) => Promise<{ version: VersionId; profile: Digest } | null>;
}

/**
 * The first stage: the bytes of the sources that the definition names, as they are now, go into the
 * artifact store, with a profile of each column and its difference to what the champion was made of.
 * Repeating it with unchanged sources gives the same digests.
 */
export function createIngestActivity({ store, ...deps }: IngestDeps): (input: StageContext) => Promise<IngestResult> {
  return runStage(async ({ model, definition, parameters }, tools) => {
    const { data, contract, deploy } = await store.getJson<ResolvedDefinition>(definition);
    const described = parseContract(contract);
    const { manifest, summary } = await freezeDataset({ ...deps, store, data, contract: described, parameters }, tools);
    const served = (await deps.championData?.({ model, environment: deploy.environment })) ?? null;
    const champion =
      served === null ? null : { version: served.version, profile: await store.getJson<DataProfile>(served.profile) };
    const { profile, difference } = await profileDataset({ store, manifest, contract: described, champion }, tools);
    const files = Object.values(manifest.sources).flatMap((source) => source.files);
    return {
      summary: difference === null ? summary : `${summary}; ${differenceInWords(difference)}`,
      dataset: await store.putJson(manifest),
      rows: manifest.sources[manifest.rows]?.rows ?? 0,
      files: files.length,
      bytes: files.reduce((bytes, file) => bytes + file.bytes, 0),
      profile: await store.putJson(profile),
      ...(difference === null ? {} : { difference: await store.putJson(difference) }),
    };
  });
}
