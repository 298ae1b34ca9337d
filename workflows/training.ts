import { ActivityFailure, ApplicationFailure, TimeoutFailure } from "@temporalio/common";
import { isCancellation, patched, proxyActivities, setCurrentDetails } from "@temporalio/workflow";
import type {
  ForeignTrainActivities,
  SearchFound,
  TrainingAgain,
  TrainingInput,
  TrainingPlan,
} from "../activities/train-contract.ts";
import { bestTrial, searchHigherIsBetter } from "../domain/search.ts";
import type { SearchTrial, TrainResult } from "../domain/stage-results.ts";
import { trainWork } from "./records.ts";

/**
 * How a candidate is trained: by our own worker at once; after a search, whose trials are activities of
 * their own (a worker that dies loses the trial it was at); or by a worker on a foreign task queue, between
 * the laying out of its folder and the taking of what it wrote.
 */
export async function trainCandidate(input: TrainingInput): Promise<TrainResult> {
  const once = () => trainWork("Trains the candidate in a process of its own").train(input);
  if (!patched("training-plan")) return once();
  const plan = await trainWork("Reads how to train").planTraining(input);
  if (plan.taskQueue !== null) return trainElsewhere(input, { taskQueue: plan.taskQueue, minutes: plan.minutes });
  if (plan.search === null) return once();
  const search = await searchParameters(input, plan.search);
  return trainWork(`Trains with the parameters of trial ${search.chosen}`).train({ ...input, search });
}

/** A version's training once more, with the parameters that were found then, and without the baseline beside it. */
export async function trainSecondTime(input: TrainingAgain): Promise<TrainResult> {
  const plan = await trainWork("Reads where it was trained").planTraining(input);
  if (plan.taskQueue === null) return trainWork("Trains a second time, in a process of its own").trainAgain(input);
  return trainElsewhere(input, { taskQueue: plan.taskQueue, minutes: plan.minutes, alone: true });
}

async function searchParameters(input: TrainingInput, search: NonNullable<TrainingPlan["search"]>): Promise<SearchFound> {
  const { metric, points, parallel } = search;
  const began = Date.now();
  const trials: SearchTrial[] = [];
  let next = 0;
  const inTime = () => search.minutes === null || Date.now() - began < search.minutes * 60_000;
  async function walk(): Promise<void> {
    while (next < points.length && (next === 0 || inTime())) {
      const number = ++next;
      const parameters = points[number - 1] ?? {};
      trials.push(
        await trainWork(`Trial ${number} of ${points.length}: ${JSON.stringify(parameters)}`).tryParameters({
          ...input,
          trial: { number, parameters, metric },
        }),
      );
      setCurrentDetails(`train is running: ${searchInWords(trials, points.length, metric)}`);
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, points.length) }, walk));
  trials.sort((left, right) => left.number - right.number);
  const best = bestTrial(trials, searchHigherIsBetter[metric]);
  if (best === null)
    throw ApplicationFailure.nonRetryable(
      `All ${trials.length} trials of the search failed; the first: ${trials[0]?.fault ?? "none was made"}`,
      "trainer-failed",
      { faults: [], extra: trials[0]?.log === undefined ? {} : { log: trials[0].log } },
    );
  return { metric, trials, chosen: best.number, planned: points.length };
}

function searchInWords(trials: SearchTrial[], all: number, metric: SearchFound["metric"]): string {
  const best = bestTrial(trials, searchHigherIsBetter[metric]);
  const said = best?.value == null ? "" : `; the best so far is trial ${best.number} with ${metric} ${best.value.toFixed(4)}`;
  return `${trials.length} of ${all} trials of the search are done${said}.`;
}

/** Long enough for a worker to start; where nobody takes the task a person is told instead of waiting for ever. */
const takenWithin = "10m";

async function trainElsewhere(
  input: TrainingInput,
  { taskQueue, minutes, alone }: { taskQueue: string; minutes: number; alone?: true },
): Promise<TrainResult> {
  const job = await trainWork("Lays out the job for a foreign trainer").prepareJob(input);
  const began = Date.now();
  try {
    await proxyActivities<ForeignTrainActivities>({
      taskQueue,
      scheduleToStartTimeout: takenWithin,
      startToCloseTimeout: Math.ceil(minutes * 60_000),
      heartbeatTimeout: "60s",
      retry: { maximumAttempts: 2 },
      summary: `Trains the candidate on the task queue ${taskQueue}`,
    }).train(job);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    throw ApplicationFailure.nonRetryable(foreignFault(error, { taskQueue, minutes }), "trainer-failed");
  }
  const durationMs = Date.now() - began;
  const made = { ...input, job: job.job, taskQueue, durationMs, ...(alone && { alone }) };
  return trainWork("Inspects what the foreign trainer made").collectJob(made);
}

function foreignFault(error: ActivityFailure, { taskQueue, minutes }: { taskQueue: string; minutes: number }): string {
  const { cause } = error;
  // Its own words may quote the data; they stay with its worker and in the run's history, where it put them.
  if (!(cause instanceof TimeoutFailure)) return `The trainer on ${taskQueue} failed; its worker's log says why.`;
  if (cause.timeoutType === "SCHEDULE_TO_START")
    return `No worker took the training from the task queue ${taskQueue} within ten minutes.`;
  return cause.timeoutType === "HEARTBEAT"
    ? `The worker on ${taskQueue} gave no sign of life for a minute; it must heartbeat.`
    : `The trainer on ${taskQueue} took longer than ${minutes} minutes.`;
}
