import { proxyActivities, proxyLocalActivities } from "@temporalio/workflow";
import type { RecordActivities, StageActivities, WatchActivities } from "../activities/contract.ts";
import type { TrainActivities } from "../activities/train-contract.ts";

/**
 * Records: short, idempotent, on the light queue. They retry without an end, every 5 s at most:
 * a record that gave up would leave the database behind the workflow. A person sees the pending
 * activity with its last failure in the Temporal UI and can terminate the run.
 */
export function record(summary: string) {
  return proxyActivities<RecordActivities>({
    taskQueue: "lifecycle",
    startToCloseTimeout: "10s",
    retry: { initialInterval: "200ms", backoffCoefficient: 2, maximumInterval: "5s" },
    summary,
  });
}

/**
 * Within the workflow task at hand, once, and within two seconds: the server is asked three times less. For
 * what somebody waits for; where it fails, `record` does the same again, and is seen in the Temporal UI.
 */
export const recordAtOnce = proxyLocalActivities<RecordActivities>({
  scheduleToCloseTimeout: "2s",
  retry: { maximumAttempts: 1 },
});

/** One job of the watch: the next round comes anyway, so a few tries within half a minute are enough. */
export function watchWork(summary: string) {
  return proxyActivities<WatchActivities>({
    taskQueue: "lifecycle",
    startToCloseTimeout: "15s",
    scheduleToCloseTimeout: "40s",
    retry: { initialInterval: "500ms", backoffCoefficient: 2, maximumInterval: "5s", maximumAttempts: 3 },
    summary,
  });
}

/** The look at predictions ends within its time even where no worker takes it: the next one is begun by a later round. */
export const predictionWork = proxyActivities<Pick<StageActivities, "lookAtPredictions">>({
  taskQueue: "stages",
  startToCloseTimeout: "2h",
  scheduleToCloseTimeout: "3h",
  heartbeatTimeout: "15s",
  retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s", maximumAttempts: 4 },
  summary: "Looks at the predictions of all live models",
});

/** Data work: four tries, then the release is blocked and a person is asked. A dead worker is noticed by its heartbeat. */
export function stageWork(summary: string) {
  return proxyActivities<StageActivities>({
    taskQueue: "stages",
    startToCloseTimeout: "2h",
    heartbeatTimeout: "15s",
    retry: {
      initialInterval: "1s",
      backoffCoefficient: 2,
      maximumInterval: "30s",
      maximumAttempts: 4,
    },
    summary,
  });
}

/** Other people's code, in a process of its own. The activity keeps the definition's own limit, which is 24 h at the most. */
export function trainWork(summary: string) {
  return proxyActivities<TrainActivities>({
    taskQueue: "train",
    startToCloseTimeout: "25h",
    heartbeatTimeout: "15s",
    retry: {
      initialInterval: "1s",
      backoffCoefficient: 2,
      maximumInterval: "30s",
      maximumAttempts: 4,
    },
    summary,
  });
}
