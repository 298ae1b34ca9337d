import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { CountersignError } from "../domain/errors.ts";
import { searchPoints } from "../domain/search.ts";
import type { FeatureSpec } from "../domain/stage-results.ts";
import type { TrainingPlan } from "./train-contract.ts";
import { runStage } from "./stage-run.ts";
import { readTrainSection, type TrainInput } from "./train-job.ts";

/** Reads from the definition how the workflow is to train: where, and with which points of a search. */
export function createPlanActivity({ store }: { store: ArtifactStore }): (input: TrainInput) => Promise<TrainingPlan> {
  return runStage(async (input) => {
    const { train } = await readTrainSection(store, input);
    const { label } = await store.getJson<FeatureSpec>(input.spec);
    const task = label?.task ?? "binary";
    const { search, taskQueue } = train;
    const queue = train.trainer === "task-queue" ? (taskQueue ?? null) : null;
    if (queue !== null && search !== undefined)
      throw new CountersignError("trainer-failed", "train.search: a trainer on a task queue searches by itself.");
    return {
      taskQueue: queue,
      minutes: train.limits.minutes,
      search:
        search === undefined
          ? null
          : {
              metric: search.metric ?? (task === "regression" ? "rmse" : "logLoss"),
              parallel: search.parallel,
              minutes: search.minutes ?? null,
              points: searchPoints(search, train.seed),
            },
    };
  });
}
