import { ActivityFailure, WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { log, ParentClosePolicy, patched, setCurrentDetails, startChild } from "@temporalio/workflow";
import { workflowIds } from "../domain/ids.ts";
import { watchJobs, type WatchJob } from "../domain/watch.ts";
import { predictionWork, record, stageWork, watchWork } from "./records.ts";

/** In one lane one after the other: the gate of a dead release is withdrawn with it and not asked again. */
const deaths = [
  "endDeadReleases",
  "supersedeDeadGates",
  "supersedeDeadReviews",
  "renewDeadSubjectGates",
  "endDeadForeignGates",
  "tellClosedGates",
] as const satisfies WatchJob[];
const lanes: readonly (readonly WatchJob[])[] = [
  deaths,
  ["reviveLifecycles", "endDeadReproductions", "answerDeadCommands", "reviveCourier", "lookAtSchedule"],
  ["lapseConditions", "lookAtApprovals", "stopRetired", "tellStaleGates"],
];

export interface Watched {
  /** Ids of what had ended in silence. */
  found: string[];
  failed: WatchJob[];
}

/**
 * One round of the watch, started by one schedule for all models; or a look at the one release or gate that somebody
 * waits for. Each job is an activity with its own time and tries: one that fails keeps no other from its work. The look
 * at predictions takes as long as it takes, in a workflow of its own.
 */
export async function monitorSweep(asked: { only?: string } = {}): Promise<Watched | { dead: number; looked: number }> {
  if (!patched("watch-jobs")) return roundOfBefore();
  const { only } = asked;
  if (only === undefined) await lookAtPredictions();
  const watched: Watched = { found: [], failed: [] };
  await Promise.all((only === undefined ? lanes : [deaths]).map((jobs) => walk(jobs, { only, watched })));
  const { found, failed } = watched;
  if (failed.length > 0) setCurrentDetails(`Could not look at ${failed.map((job) => watchJobs[job]).join("; ")}.`);
  return { found: found.slice(0, 100), failed };
}

async function walk(jobs: readonly WatchJob[], round: { only: string | undefined; watched: Watched }): Promise<void> {
  const { only, watched } = round;
  for (const job of jobs) {
    try {
      const { found } = await watchWork(`Looks at ${watchJobs[job]}`)[job]({ ...(only !== undefined && { only }) });
      watched.found.push(...found);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.error(`The watch could not look at ${watchJobs[job]}: ${error.cause?.message ?? error.message}`);
      watched.failed.push(job);
    }
  }
}

/** Begins the look at predictions, unless the one before still goes on. */
async function lookAtPredictions(): Promise<void> {
  try {
    await startChild(predictionWatch, {
      workflowId: workflowIds.predictionWatch(),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: "Looks at the predictions of all live models",
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** One look at the predictions of all live models. Health is told of one that fails. */
export async function predictionWatch(): Promise<{ looked: number; drifting: string[] } | null> {
  try {
    return await predictionWork.lookAtPredictions();
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const why = error.cause?.message ?? error.message;
    setCurrentDetails(`Could not look at all predictions: ${why}`);
    log.error(`The watch could not look at all predictions: ${why}`);
    return null;
  }
}

/** As earlier versions of the product made a round. */
async function roundOfBefore(): Promise<{ dead: number; looked: number; drifting: string[] }> {
  const { dead } = await record("Finds runs that died in silence").findDeadRuns();
  const { looked, drifting } = await stageWork("Looks at the predictions of all live models").lookAtPredictions();
  return { dead: dead.length, looked, drifting };
}
