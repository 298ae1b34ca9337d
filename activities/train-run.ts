import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { CountersignError, type ErrorCode } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import { inspectModel } from "../ml/onnx/inspect-model.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import type { ProcessEnd } from "../ml/trainers/bounded-process.ts";
import { jobFiles, type TrainerReport } from "../ml/trainers/job-contract.ts";
import { readTrainingData } from "../ml/trainers/training-data.ts";
import type { TrainerCommand } from "./train-command.ts";
import type { TrainingJob } from "./train-job.ts";
import { runTrainer } from "./train-process.ts";

export interface RunDependencies {
  store: ArtifactStore;
  /** Job folders and the records by which orphans are found; of this installation alone, on this machine. */
  jobsDirectory: string;
  /** The operator lets other people's code run where it cannot be isolated. */
  allowUnisolated: boolean;
}

/** A model that passed its inspection, and how it was made. */
export interface MadeModel {
  bytes: Buffer;
  report: TrainerReport | null;
  /** Other people's code that was not isolated. */
  unisolated: boolean;
  /** Artifact: text. */
  log: Digest;
  durationMs: number;
}

const tailLines = 20;
const sampleRows = 20;
/** Often enough to follow, seldom enough for a trainer that prints without end. */
const progressEveryMs = 500;

/**
 * Runs a trainer on a job and inspects what it made before anybody trusts it. `key`: the release, or one
 * trial of it. Throws with the log's digest in `extra`.
 */
export async function runTraining(
  { store, jobsDirectory, allowUnisolated }: RunDependencies,
  { key, prepared, trainer }: { key: string; prepared: TrainingJob; trainer: TrainerCommand & { name: string } },
  tools: StageTools,
): Promise<MadeModel> {
  const { job, limits, trainData, validationData } = prepared;
  tools.progress(`starting the trainer ${trainer.name}`);
  const run = await runTrainer({
    release: key,
    trainer: trainer.name,
    command: trainer.command,
    job,
    trainData,
    validationData,
    code: trainer.code,
    limits,
    jobsDirectory,
    needsIsolation: trainer.foreign && !allowUnisolated,
    signal: tools.signal,
    onLine: seldom((lines) => {
      tools.progress(`${trainer.name} is training`);
      store.showLive(key, lines);
    }),
  }).finally(() => store.endLive(key));
  tools.signal.throwIfAborted();
  const log = await store.put(run.log);
  // What a trainer prints may hold values of the data: it stays in its log, and the failure only names that.
  const extra = { log };
  const failure = failureOf(run.end, limits);
  if (failure !== null) throw new CountersignError(failure.code, failure.detail, { extra });
  if (run.refusal !== null) throw new CountersignError(run.refusal.code, run.refusal.message, { extra });
  if (run.model === null)
    throw new CountersignError("trainer-failed", `The trainer ended well but wrote no ${jobFiles.model}.`, { extra });
  tools.progress("inspecting the model");
  const expected = run.report?.predictions;
  await inspectTrained(run.model, prepared, { extra, signal: tools.signal, ...(expected === undefined ? {} : { expected }) });
  const unisolated = trainer.foreign && !run.isolated;
  return { bytes: run.model, report: run.report, unisolated, log, durationMs: run.end.durationMs };
}

/** Passes the bytes on or throws `model-refused` with what belongs to the failure. */
export async function inspectTrained(
  bytes: Buffer,
  { features, label, trainData }: Pick<TrainingJob, "features" | "label" | "trainData">,
  more: { extra?: Record<string, unknown>; signal: AbortSignal; expected?: number[] },
): Promise<void> {
  const { extra = {}, signal, expected = [] } = more;
  const sample = await readTrainingData({ path: trainData, features, label: null, limit: sampleRows, orderBy: "row_id" });
  try {
    await inspectModel({ bytes, features, label, expected, sample: sample.columns, signal });
  } catch (error) {
    if (error instanceof CountersignError)
      throw new CountersignError(error.code, error.message, { extra, cure: error.cure, cause: error });
    throw error;
  }
}

/** Tells the last lines together, so that whoever looks while it runs sees more than the newest. */
function seldom(tell: (lines: string) => void): (line: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  const lines: string[] = [];
  return (line) => {
    lines.push(line);
    if (lines.length > tailLines) lines.shift();
    if (performance.now() - toldAt < progressEveryMs) return;
    toldAt = performance.now();
    tell(lines.join("\n"));
  };
}

/** What the way it ended means, or null when it ended well. */
function failureOf(
  end: ProcessEnd,
  limits: { minutes: number; memoryMb: number; outputMb: number },
): { code: ErrorCode; detail: string } | null {
  if (end.stoppedBy === "time")
    return {
      code: "trainer-timeout",
      detail: `The trainer was ended after ${seconds(end.durationMs)}; it may take ${limits.minutes} minutes.${deafness(end)}`,
    };
  if (end.stoppedBy === "memory")
    return {
      code: "trainer-memory",
      detail: `The trainer was ended when it held ${Math.round(end.peakMemoryBytes / 2 ** 20)} MB of memory; it may hold ${limits.memoryMb} MB.`,
    };
  if (end.stoppedBy === "output")
    return {
      code: "trainer-output",
      detail: `The trainer was ended when its log and files passed ${limits.outputMb} MB (${Math.round(end.logBytes / 2 ** 20)} MB of it log).${deafness(end)}`,
    };
  if (end.signal !== null)
    return {
      code: "trainer-failed",
      detail: `The trainer died by ${end.signal} after ${seconds(end.durationMs)}.`,
    };
  if (end.code !== 0)
    return {
      code: "trainer-failed",
      detail: `The trainer ended with exit code ${end.code} after ${seconds(end.durationMs)}; its log says why.`,
    };
  return null;
}

/** One that leaves its stop signal unheeded loses whatever it would have written at its end: worth a word to its author. */
function deafness({ killed }: ProcessEnd): string {
  return killed ? " It did not end at SIGTERM, and was killed with all that it had started." : "";
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

export function kilobytes(bytes: number): string {
  return bytes < 1 << 20 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
