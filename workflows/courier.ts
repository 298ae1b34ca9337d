import { ActivityFailure } from "@temporalio/common";
import {
  condition,
  continueAsNew,
  defineSignal,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { NotifyActivities } from "../activities/contract.ts";

/** Something happened that people may have to be told; carries nothing, because the database says what. */
export const courierHintSignal = defineSignal("hint");

type Due = Awaited<ReturnType<NotifyActivities["planMessages"]>>["due"];

/** Replay costs 2.5 to 4 ms a task. */
const longHistoryEvents = 1_500;
/** How late a message may be whose hint was lost. */
const longestRestMs = 60_000;
const shortestRestMs = 250;
/** After a fault of ours, or of the database. */
const faultRestMs = 5_000;

const planner = proxyActivities<NotifyActivities>({
  taskQueue: "notify",
  startToCloseTimeout: "20s",
  scheduleToCloseTimeout: "60s",
  retry: { initialInterval: "200ms", backoffCoefficient: 2, maximumInterval: "5s", maximumAttempts: 10 },
  summary: "Reads what happened and plans messages",
});

function delivery(summary: string) {
  return proxyActivities<NotifyActivities>({
    taskQueue: "notify",
    // A look for a lost answer and the sending itself have 5 s each; the rest is the database's.
    startToCloseTimeout: "40s",
    // As activities/notify/deliver-message.ts counts: the last try puts the message back into the outbox.
    retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s", maximumAttempts: 5 },
    summary,
  });
}

/**
 * Brings messages to people. `courier`, one for all, for as long as the product lives:
 *
 *   resting ──hint, or something is due──> planning ──messages are due──> delivering, each lane by itself ──> planning
 *                                             └──nothing is due──> resting
 *
 * The outbox in the database is the truth of what is to be told; this only carries it out. Messages
 * of one lane (posts to one channel; changes of what is there) go one after the other, lanes side by
 * side, so that a decision changes its message while a thousand others wait to be posted.
 */
export async function courier(): Promise<void> {
  let isHinted = false;
  setHandler(courierHintSignal, () => {
    isHinted = true;
  });
  const lanes = new Set<string>();
  while (workflowInfo().historyLength < longHistoryEvents && !workflowInfo().continueAsNewSuggested) {
    isHinted = false;
    const restMs = await round(lanes, () => {
      isHinted = true;
    });
    if (restMs === 0) continue;
    setCurrentDetails(lanes.size === 0 ? "Nothing is due." : `Delivers in ${lanes.size} lanes: ${[...lanes].join(", ")}.`);
    await condition(() => isHinted, restMs, { summary: "Rests until something happens or the next message is due" });
  }
  await condition(() => lanes.size === 0);
  await continueAsNew<typeof courier>();
}

/** Plans, and starts the lanes that do not run. Gives for how long there is nothing to do; 0: go on at once. */
async function round(lanes: Set<string>, laneEnded: () => void): Promise<number> {
  try {
    const { due, nextMs, more } = await planner.planMessages();
    for (const [lane, messages] of Map.groupBy(due, (one) => one.lane)) {
      if (lanes.has(lane)) continue;
      lanes.add(lane);
      void runLane(messages).finally(() => {
        lanes.delete(lane);
        laneEnded();
      });
    }
    if (more) return 0;
    // What is due in a lane that runs is not due again; its end is a hint.
    return lanes.size > 0 ? faultRestMs : Math.min(longestRestMs, Math.max(shortestRestMs, nextMs ?? longestRestMs));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.error(`Messages cannot be planned: ${error.cause?.message ?? error.message}`);
    return faultRestMs;
  }
}

/** One after the other; what fails for good, or waits for the other side, ends the lane until the next round. */
async function runLane(messages: Due): Promise<void> {
  for (const { id, notice, subject, destination, isPosted } of messages) {
    const summary = `${isPosted ? "Changes" : "Sends"} ${notice} of ${subject} ${isPosted ? "at" : "to"} ${destination}`.slice(
      0,
      200,
    );
    try {
      const { outcome } = await delivery(summary).deliverMessage({ id });
      if (outcome === "put-off") return;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.error(`The message ${id} could not be delivered: ${error.cause?.message ?? error.message}`);
      // It is still due: without a pause it would be taken up again at once.
      await condition(() => false, faultRestMs, { summary: "Pauses after a fault" });
      return;
    }
  }
}
