import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import { differencesByName, type ModelsCompared, type ReproductionEffect } from "../domain/reproduction.ts";
import type { FeatureSpec, TrainingFiles } from "../domain/stage-results.ts";
import { firstGraphDifference } from "../ml/onnx/graph-difference.ts";
import { createScorer } from "../ml/onnx/scorer.ts";
import { readTrainingData } from "../ml/trainers/training-data.ts";
import { scoreValidation } from "../ml/trainers/validation-score.ts";
import { runStage } from "./stage-run.ts";
import type { TrainingAgain, TrainingsToCompare } from "./train-contract.ts";
import { readTrainingJob } from "./train-job.ts";
import { trainHere, type TrainDependencies, withDefaults } from "./train.ts";
import { restoreCode } from "./training-files.ts";

/** A version's training run a second time, and what came of it compared with the first. Neither writes a record. */
export function createReproductionActivities(given: TrainDependencies) {
  const deps = withDefaults(given);
  const { store } = deps;
  return {
    trainAgain: runStage(async ({ files, ...input }: TrainingAgain, tools) => {
      const scratch = await mkdtemp(join(tmpdir(), "countersign-again-"));
      try {
        const prepared = await readTrainingJob(store, input, { scratch, trial: false });
        if (prepared.train.trainer === "import")
          throw new CountersignError("not-reproducible", "It was trained elsewhere: nothing here can train it again.");
        // Where none was kept, of a release of earlier, the folder as it is now is used, and its digest tells whether it changed.
        const code = files === null ? undefined : await restoreCode(store, await store.getJson<TrainingFiles>(files), scratch);
        return await trainHere(deps, { release: input.release, prepared }, { ...tools, code });
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    }),

    compareTrainings: runStage(async ({ recorded, now, spec, holdout }: TrainingsToCompare): Promise<ModelsCompared> => {
      const differs = await differingFiles(store, recorded.files, now.files);
      if (recorded.onnx === now.onnx) return { differs, effects: [] };
      const [before, after] = [await store.get(recorded.onnx), await store.get(now.onnx)];
      const graph = firstGraphDifference(before, after);
      return {
        differs: [...differs, ...(graph === null ? [] : [graph])],
        effects: await effectsOf(store, { models: [before, after], spec, holdout }),
      };
    }),
  };
}

async function differingFiles(store: ArtifactStore, recorded: Digest | null, now: Digest | null) {
  // A release of earlier kept none: that is no difference.
  if (recorded === null || now === null) return [];
  const [before, after] = await Promise.all([recorded, now].map((files) => digestsIn(store, files)));
  return differencesByName("file", before ?? {}, after ?? {});
}

async function digestsIn(store: ArtifactStore, files: Digest): Promise<Record<string, string>> {
  const entries = Object.entries(await store.getJson<TrainingFiles>(files));
  return Object.fromEntries(entries.map(([path, { digest }]) => [path, digest]));
}

/** Both models on the same rows: what the other bytes mean to whoever is predicted. */
async function effectsOf(
  store: ArtifactStore,
  { models, spec, holdout }: { models: [Buffer, Buffer]; spec: Digest; holdout: Digest | null },
): Promise<ReproductionEffect[]> {
  if (holdout === null || !(await store.has(holdout))) return [];
  const { features, label = { task: "binary" as const } } = await store.getJson<FeatureSpec>(spec);
  const path = await store.pathOf(holdout);
  const rows = await readTrainingData({ path, features, label: "label", task: label, orderBy: "row_id" });
  const scores = [];
  for (const bytes of models) {
    const scorer = await createScorer({ bytes, features, label });
    scores.push(await scorer.scoreAll(rows.columns));
    await scorer.close();
  }
  const [before, after] = scores;
  if (before === undefined || after === undefined) return [];
  const metrics = { binary: ["logLoss", "auc"], multiclass: ["logLoss"], regression: ["rmse", "mae"] } as const;
  const largest = before.values.reduce((most, value, at) => Math.max(most, Math.abs(value - (after.values[at] ?? 0))), 0);
  const found = metrics[label.task].map((metric) => ({
    metric,
    recorded: scoreValidation(metric, before, rows.targets),
    now: scoreValidation(metric, after, rows.targets),
  }));
  // A holdout of one class has no AUC.
  const known = found.filter(({ recorded, now }) => Number.isFinite(recorded) && Number.isFinite(now));
  return [...known, { metric: "largest change of a prediction", recorded: null, now: largest }];
}
