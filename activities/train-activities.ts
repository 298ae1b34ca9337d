import type { TrainActivities } from "./train-contract.ts";
import { createForeignActivities } from "./train-foreign.ts";
import { createPlanActivity } from "./train-plan.ts";
import { createReproductionActivities } from "./train-again.ts";
import { createTrialActivity } from "./train-trial.ts";
import { createTrainActivity, type TrainDependencies } from "./train.ts";

/** What a training worker does: it has artifacts, and neither a database nor keys. */
export function createTrainActivities(deps: TrainDependencies): TrainActivities {
  return {
    train: createTrainActivity(deps),
    planTraining: createPlanActivity(deps),
    tryParameters: createTrialActivity(deps),
    ...createForeignActivities(deps),
    ...createReproductionActivities(deps),
  };
}
