import { suggestContract } from "../domain/contract-suggestion.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { Digest } from "../domain/ids.ts";
import { guessTypes } from "../ml/contracts/guess-types.ts";
import { parseContract } from "../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../ml/datasets/freeze-dataset.ts";
import { profileDataset } from "../ml/datasets/profile-dataset.ts";
import type { IngestDeps } from "./ingest.ts";
import { runStage } from "./stage-run.ts";

export interface SuggestionInput {
  data: ResolvedDefinition["data"];
  /** The contract's id. */
  id: string;
}

/**
 * Reads sources as ingest does and proposes a contract for them. What it proposes holds values of the data (bounds, sets),
 * so it is an artifact: the answer of an activity stays in a history.
 */
export function createSuggestContract({
  store,
  ...deps
}: Omit<IngestDeps, "championData">): (input: SuggestionInput) => Promise<{ suggestion: Digest }> {
  return runStage(async ({ data, id }, tools) => {
    const { manifest } = await freezeDataset({ ...deps, store, data, parameters: {} }, tools);
    tools.progress("looking which type each column has");
    const types = await guessTypes({ store, manifest }, tools);
    const typed = parseContract({
      apiVersion: "v3.1.0",
      kind: "DataContract",
      schema: Object.entries(types).map(([name, columns]) => ({
        name,
        properties: Object.entries(columns).map(([column, { logicalType }]) => ({ name: column, logicalType })),
      })),
    });
    const { profile } = await profileDataset({ store, manifest, contract: typed, champion: null }, tools);
    return { suggestion: await store.putJson({ contract: suggestContract(profile, types, id) }) };
  });
}
