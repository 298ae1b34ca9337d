import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { CountersignError, type ErrorCode } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { FeatureSpec, StageContext, TrainResult } from "../domain/stage-results.ts";
import { inspectModel } from "../ml/onnx/inspect-model.ts";
import type { ProcessEnd } from "../ml/trainers/bounded-process.ts";
import type { Command } from "../ml/trainers/isolation.ts";
import { jobFiles, type TrainJob } from "../ml/trainers/job-contract.ts";
import { readTrainingData } from "../ml/trainers/training-data.ts";
import { runStage } from "./stage-run.ts";
import { builtInTrainers, runTrainer } from "./train-process.ts";

export interface TrainDependencies {
  store: ArtifactStore;
  /** Job folders and the records by which orphans are found; of this installation alone, on this machine. */
  jobsDirectory: string;
  /** Trainers by name. */
  trainers?: Record<string, Command>;
  /** Files and folders that trainers must not see (tokens, keys), where the system can hide them. */
  hidden?: string[];
}

type TrainInput = StageContext & { spec: Digest; train: Digest };

const tailLines = 20;
const tailLength = 2_000;
const sampleRows = 20;
/** Often enough to follow, seldom enough for a trainer that prints without end. */
const progressEveryMs = 500;

/** The fourth stage: other people's code makes an ONNX model of the training data, and the model is inspected before anybody trusts it. */
export function createTrainActivity({
  store,
  jobsDirectory,
  trainers = builtInTrainers,
  hidden = [],
}: TrainDependencies): (input: TrainInput) => Promise<TrainResult> {
  return runStage(async (input, tools) => {
    const { train } = await store.getJson<ResolvedDefinition>(input.definition);
    const { features } = await store.getJson<FeatureSpec>(input.spec);
    const command = trainers[train.trainer];
    if (command === undefined)
      throw new CountersignError(
        "trainer-failed",
        `This worker has no trainer "${train.trainer}"; it has ${Object.keys(trainers).join(", ")}.`,
      );
    await store.verify(input.train);
    const trainData = await store.pathOf(input.train);
    const job: TrainJob = {
      contract: 1,
      train: jobFiles.train,
      features,
      label: "label",
      seed: input.parameters.seed ?? train.seed,
      parameters: { ...train.parameters, ...input.parameters.train },
    };
    const limits = { ...train.limits, ...input.parameters.limits };
    let toldAt = Number.NEGATIVE_INFINITY;
    const onLine = (line: string) => {
      if (performance.now() - toldAt < progressEveryMs) return;
      toldAt = performance.now();
      tools.progress(line);
    };
    tools.progress(`starting the trainer ${train.trainer}`);
    const run = await runTrainer({
      release: input.release,
      trainer: train.trainer,
      command,
      job,
      trainData,
      limits,
      jobsDirectory,
      hidden,
      signal: tools.signal,
      onLine,
    });
    tools.signal.throwIfAborted();
    const log = await store.put(run.log);
    const extra = { log, logTail: tailOf(run.log) };
    const failure = failureOf(run.end, limits);
    if (failure !== null) throw new CountersignError(failure.code, failure.detail, { extra });
    if (run.refusal !== null) throw new CountersignError(run.refusal.code, run.refusal.message, { extra });
    if (run.model === null)
      throw new CountersignError("trainer-failed", `The trainer ended well but wrote no ${jobFiles.model}.`, { extra });
    tools.progress("inspecting the model");
    await inspect(run.model, { features, trainData, extra, signal: tools.signal });
    return {
      summary:
        `${train.trainer} trained in ${seconds(run.end.durationMs)} on ${features.length} features: ${kilobytes(run.model.byteLength)} of ONNX. ${run.report?.summary ?? ""}`.trimEnd(),
      model: await store.put(run.model),
      log,
      trainer: train.trainer,
      seed: job.seed,
      parameters: job.parameters,
      environment: run.report?.environment ?? {},
      durationMs: run.end.durationMs,
      modelBytes: run.model.byteLength,
    };
  });
}

async function inspect(
  bytes: Buffer,
  {
    features,
    trainData,
    extra,
    signal,
  }: {
    features: FeatureSpec["features"];
    trainData: string;
    extra: Record<string, unknown>;
    signal: AbortSignal;
  },
): Promise<void> {
  const sample = await readTrainingData({
    path: trainData,
    features,
    label: "label",
    limit: sampleRows,
  });
  try {
    await inspectModel({ bytes, features, sample: sample.columns, signal });
  } catch (error) {
    if (error instanceof CountersignError) throw new CountersignError(error.code, error.message, { extra, cause: error });
    throw error;
  }
}

/** What the way it ended means, or null when it ended well. */
function failureOf(
  end: ProcessEnd,
  limits: { minutes: number; memoryMb: number; outputMb: number },
): { code: ErrorCode; detail: string } | null {
  if (end.stoppedBy === "time")
    return {
      code: "trainer-timeout",
      detail: `The trainer was ended after ${seconds(end.durationMs)}; it may take ${limits.minutes} minutes.`,
    };
  if (end.stoppedBy === "memory")
    return {
      code: "trainer-memory",
      detail: `The trainer was ended when it held ${Math.round(end.peakMemoryBytes / 2 ** 20)} MB of memory; it may hold ${limits.memoryMb} MB.`,
    };
  if (end.stoppedBy === "output")
    return {
      code: "trainer-output",
      detail: `The trainer was ended when its log and files passed ${limits.outputMb} MB (${Math.round(end.logBytes / 2 ** 20)} MB of it log).`,
    };
  if (end.signal !== null)
    return {
      code: "trainer-failed",
      detail: `The trainer died by ${end.signal} after ${seconds(end.durationMs)}.`,
    };
  if (end.code !== 0)
    return {
      code: "trainer-failed",
      detail: `The trainer ended with exit code ${end.code} after ${seconds(end.durationMs)}.`,
    };
  return null;
}

function tailOf(log: string): string {
  return log.trimEnd().split("\n").slice(-tailLines).join("\n").slice(-tailLength);
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

function kilobytes(bytes: number): string {
  return bytes < 1 << 20 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
