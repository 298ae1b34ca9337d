import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { Db } from "../db/database.ts";
import { readChampionData } from "../db/source-files.ts";
import type { StageActivities } from "./contract.ts";
import { createEvaluateActivity } from "./evaluate.ts";
import { createFeaturizeActivity } from "./featurize.ts";
import { createIngestActivity, type IngestDeps } from "./ingest.ts";
import { createLookAtPredictions } from "./look-at-predictions.ts";
import { createMonitorActivity } from "./monitor.ts";
import { sealing, type StageSealer } from "./stage-seal.ts";
import { createSuggestContract } from "./suggest-contract.ts";
import { createValidateActivity } from "./validate.ts";

export interface StageDeps {
  db: Db;
  store: ArtifactStore;
  sealer: StageSealer;
  /** What definitions may name. */
  sources: Omit<IngestDeps, "store" | "championData">;
}

/** All that a worker of the queue `stages` does; each result that a record is made of leaves it under seal. */
export function createStageActivities({ db, store, sealer, sources }: StageDeps): StageActivities {
  const data = { ...sources, store };
  return {
    ingest: sealing(sealer, "ingest", createIngestActivity({ ...data, championData: (slot) => readChampionData(db, slot) })),
    validate: sealing(sealer, "validate", createValidateActivity({ store })),
    featurize: sealing(sealer, "featurize", createFeaturizeActivity({ store })),
    evaluate: sealing(sealer, "evaluate", createEvaluateActivity({ store })),
    monitor: sealing(sealer, "monitor", createMonitorActivity({ db, store })),
    suggestContract: createSuggestContract(data),
    lookAtPredictions: createLookAtPredictions({ db, store }),
  };
}
