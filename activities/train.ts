import { mkdtemp, rm } from "node:fs/promises";
import { arch, cpus, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { SearchSummary, TrainResult } from "../domain/stage-results.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import type { CodeFolder } from "../ml/trainers/code-folder.ts";
import type { SearchFound } from "./train-contract.ts";
import { readImported } from "./import-model.ts";
import { runStage } from "./stage-run.ts";
import { type CommandDependencies, commandOf } from "./train-command.ts";
import { readTrainingJob, type TrainingJob, type TrainInput } from "./train-job.ts";
import { builtInTrainers } from "./train-process.ts";
import { kilobytes, type RunDependencies, runTraining, seconds } from "./train-run.ts";
import { keepTrainingFiles } from "./training-files.ts";

type Optional = "allowUnisolated" | "trainers" | "sight";
type AllDependencies = RunDependencies & CommandDependencies;

export type TrainDependencies = Omit<AllDependencies, Optional> &
  Partial<Pick<AllDependencies, Optional>> & {
    /** A folder that workers of foreign task queues see too. */
    exchangeDirectory?: string | undefined;
  };

export function withDefaults(given: TrainDependencies) {
  return { trainers: builtInTrainers, allowUnisolated: false, sight: { paths: [], never: [] }, ...given };
}

/** The fourth stage: other people's code makes an ONNX model of the training data, beside it the baseline is made, and both are inspected before anybody trusts them. */
export function createTrainActivity(
  given: TrainDependencies,
): (input: TrainInput & { search?: SearchFound }) => Promise<TrainResult> {
  const deps = withDefaults(given);
  return runStage(async (input, tools) => {
    const scratch = await mkdtemp(join(tmpdir(), "countersign-train-"));
    try {
      const { search, ...context } = input;
      const prepared = await readTrainingJob(deps.store, withChosen(context, search), { scratch, trial: false });
      const made =
        prepared.train.trainer === "import"
          ? await readImported(deps, prepared, tools)
          : await trainHere(deps, { release: input.release, prepared }, tools);
      const baseline = await trainBaselineToo(deps, { input, prepared }, tools);
      if (search === undefined) return { ...made, ...baseline, search: null };
      const found = await summaryOf(deps, search);
      return { ...made, ...baseline, summary: `${made.summary} ${searchInWords(found)}`, search: found };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** Where other bytes may come from although everything else is the same: what numbers are made of differs by processor. */
const machine = { platform: `${platform()} ${arch()}`, processor: cpus()[0]?.model.trim() ?? "unknown" };

function withChosen(input: TrainInput, search: SearchFound | undefined): TrainInput {
  const chosen = search?.trials.find(({ number }) => number === search.chosen);
  if (chosen === undefined) return input;
  return { ...input, parameters: { ...input.parameters, train: { ...input.parameters.train, ...chosen.parameters } } };
}

/** Trains in a process of our own. `tools.code`: the command's own files as they were recorded. */
export async function trainHere(
  deps: RunDependencies & CommandDependencies,
  { release, prepared }: { release: string; prepared: TrainingJob },
  tools: StageTools & { code?: CodeFolder | null | undefined },
): Promise<TrainResult> {
  const { train, job } = prepared;
  const trainer = { ...(await commandOf(deps, train, tools)), name: train.trainer };
  const made = await runTraining(deps, { key: release, prepared, trainer }, tools);
  const { report, bytes, durationMs } = made;
  const model = await deps.store.put(bytes);
  return {
    summary:
      `${train.trainer} trained in ${seconds(durationMs)} on ${job.features.length} features: ${kilobytes(bytes.byteLength)} of ONNX. ${made.unisolated ? "It ran without isolation. " : ""}${report?.summary ?? ""}`.trimEnd(),
    model,
    log: made.log,
    trainer: train.trainer,
    seed: job.seed,
    parameters: job.parameters,
    environment: {
      ...report?.environment,
      ...trainer.environment,
      ...(made.unisolated && { isolation: "none" }),
      ...machine,
    },
    durationMs,
    modelBytes: bytes.byteLength,
    files: await keepTrainingFiles(deps.store, { prepared, code: trainer.code, model }),
  };
}

/**
 * Every release trains the baseline too, so that the evaluation compares with something simple. Where it
 * cannot be made the release goes on and says so: the candidate is what is asked about.
 */
export async function trainBaselineToo(
  deps: RunDependencies & CommandDependencies,
  { input, prepared }: { input: TrainInput; prepared: TrainingJob },
  tools: StageTools,
): Promise<{ baseline: Digest | null }> {
  const command = deps.trainers["baseline"] ?? builtInTrainers["baseline"];
  if (prepared.train.trainer === "baseline" || command === undefined) return { baseline: null };
  const job = { ...prepared.job, parameters: {}, validation: null, earlyStoppingRounds: null, monotone: {}, classWeights: null };
  // It sees all training rows, whatever the candidate's trainer set apart.
  const trainData = await deps.store.pathOf(input.train);
  const alone: TrainingJob = { ...prepared, job, trainData, validationData: null };
  const trainer = { command, code: null, environment: {}, foreign: false, name: "baseline" };
  try {
    const { bytes } = await runTraining(deps, { key: `${input.release}+baseline`, prepared: alone, trainer }, tools);
    return { baseline: await deps.store.put(bytes) };
  } catch (error) {
    tools.signal.throwIfAborted();
    if (!(error instanceof CountersignError)) throw error;
    tools.progress(`no baseline: ${error.message}`);
    return { baseline: null };
  }
}

async function summaryOf({ store }: RunDependencies, { metric, trials, chosen, planned }: SearchFound): Promise<SearchSummary> {
  return {
    trials: await store.putJson(trials),
    tried: trials.length,
    ...(planned !== undefined && { planned }),
    failed: trials.filter(({ value }) => value === null).length,
    metric,
    chosen,
    best: trials.find(({ number }) => number === chosen)?.value ?? Number.NaN,
  };
}

/** What was chosen of how much, and whether the time was over before everything had been tried. */
function searchInWords({ tried, planned = tried, failed, metric, chosen, best }: SearchSummary): string {
  const failures = failed === 0 ? "" : `, ${failed} of which failed`;
  const extent = tried < planned ? `${tried} of ${planned} trials${failures}: its time was over` : `${tried} trials${failures}`;
  return `Parameters of trial ${chosen}, the best by the search with ${metric} ${best.toFixed(4)} on the validation rows (${extent}).`;
}
