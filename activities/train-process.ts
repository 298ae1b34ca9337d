import { mkdir } from "node:fs/promises";
import { setPriority } from "node:os";
import { CountersignError } from "../domain/errors.ts";
import { type BoundedProcess, type ProcessEnd, runBounded } from "../ml/trainers/bounded-process.ts";
import type { CodeFolder } from "../ml/trainers/code-folder.ts";
import { type Command, findIsolation, type Isolation } from "../ml/trainers/isolation.ts";
import { jobFiles, type TrainerReport, type TrainJob } from "../ml/trainers/job-contract.ts";
import { createJobFolder, readOutput } from "../ml/trainers/job-folder.ts";
import { mostClasses } from "../ml/trainers/training-data.ts";
import { endOrphans, forgetJob, recordJob } from "../ml/trainers/job-records.ts";
import { ownProgram } from "../ml/trainers/own-program.ts";
import { makeWorkplace, mustHaveBegun, type Workplace } from "../ml/trainers/workplace.ts";

export interface TrainProcessInput {
  /** The release, or one trial of it: what an earlier attempt at the same left running is ended first. */
  release: string;
  trainer: string;
  command: Command;
  job: TrainJob;
  /** Path of the training data's Parquet. */
  trainData: string;
  validationData?: string | null;
  /** A command's own files. */
  code?: CodeFolder | null;
  limits: { minutes: number; memoryMb: number; outputMb: number };
  jobsDirectory: string;
  /** Other people's code: it does not run where it cannot be isolated. */
  needsIsolation: boolean;
  signal: AbortSignal;
  onLine: (line: string) => void;
}

export interface TrainProcessResult {
  end: ProcessEnd;
  isolated: boolean;
  /** The end of what it printed, under a line that says how it ran. */
  log: string;
  model: Buffer | null;
  report: TrainerReport | null;
  /** Why what it wrote cannot be taken. */
  refusal: CountersignError | null;
}

/** Nothing else of the worker's environment reaches a trainer. */
const environmentNames = ["PATH", "LANG", "LC_ALL", "TZ"];
/**
 * What a Python trainer needs to give the same bytes twice (the order of its hashes, the number of its
 * threads), to tell its lines as they come, and to leave the processor alone while its threads wait.
 */
const steadyPython = {
  PYTHONHASHSEED: "0",
  PYTHONUNBUFFERED: "1",
  PYTHONDONTWRITEBYTECODE: "1",
  OMP_NUM_THREADS: "2",
  OMP_WAIT_POLICY: "PASSIVE",
  OPENBLAS_NUM_THREADS: "1",
};
export const reportLimitBytes = 1 << 20;
const summaryLength = 300;

export const builtInTrainers: Record<string, Command> = {
  baseline: ownProgram(new URL("../ml/trainers/baseline-main.ts", import.meta.url)),
};

/**
 * Runs a trainer in a private folder under the contract of files (job-contract.ts), after ending
 * whatever an earlier attempt left running, and reads what it wrote. The folder is gone afterwards.
 */
export async function runTrainer(input: TrainProcessInput): Promise<TrainProcessResult> {
  const { jobsDirectory, release, job, trainData, validationData = null, code = null, limits, signal, onLine } = input;
  await mkdir(jobsDirectory, { recursive: true });
  await endOrphans(jobsDirectory, release);
  const isolation = await findIsolation();
  if (input.needsIsolation) refuseUnisolated(isolation);
  const folder = await createJobFolder({ jobsDirectory, release, job, trainData, validationData, code });
  const outputBytes = limits.outputMb * 2 ** 20;
  let place: Workplace | null = null;
  try {
    place = await makeWorkplace({ isolation, command: input.command, inputs: folder.path, outputBytes });
    const bounded: BoundedProcess = {
      ...place.process,
      env: environment(place.home),
      limits: { wallMs: limits.minutes * 60_000, memoryBytes: limits.memoryMb * 2 ** 20, outputBytes },
      signal,
      onLine,
      onStart: (pid) => {
        recordJob({ jobsDirectory, job: folder.name, release, pid });
        lowerPriority(pid);
      },
    };
    const end = await runBounded(bounded);
    mustHaveBegun(end);
    const header = `Trainer "${input.trainer}" (${isolation.description}); limits: ${limits.minutes} min, ${limits.memoryMb} MB of memory, ${limits.outputMb} MB of output.`;
    const result: TrainProcessResult = {
      end,
      isolated: isolation.way !== null,
      log: `${header}\n${end.log}`,
      model: null,
      report: null,
      refusal: null,
    };
    if (end.code !== 0 || end.stoppedBy !== null) return result;
    try {
      const report = readReport(await readOutput(place.folder(), jobFiles.report, reportLimitBytes));
      return {
        ...result,
        model: await readOutput(place.folder(), jobFiles.model, outputBytes),
        report,
      };
    } catch (error) {
      if (error instanceof CountersignError) return { ...result, refusal: error };
      throw error;
    }
  } finally {
    await place?.leave();
    forgetJob(jobsDirectory, folder.name);
  }
}

/** What cannot be isolated is not run: the worker's user could read and change all that the worker can. */
function refuseUnisolated(isolation: Isolation): void {
  if (isolation.way !== null) return;
  throw new CountersignError(
    "trainer-isolation",
    `This trainer is other people's code, and this machine cannot isolate it: ${isolation.reason}. It was not started.`,
  );
}

function environment(folder: string): Record<string, string> {
  const kept = environmentNames.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: "/usr/bin:/bin", ...Object.fromEntries(kept), ...steadyPython, HOME: folder, TMPDIR: folder };
}

/** Serving and decisions on the same machine come first. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, 10);
  } catch {
    // It has ended already, or the system does not allow it: it trains all the same.
  }
}

export function readReport(bytes: Buffer | null): TrainerReport | null {
  if (bytes === null) return null;
  const refuse = (cause: string) => new CountersignError("model-refused", `The trainer's ${jobFiles.report} ${cause}.`);
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw refuse("is no JSON");
  }
  if (typeof content !== "object" || content === null) throw refuse("isn't an object");
  const given = "environment" in content ? content.environment : null;
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw refuse("has no environment");
  const entries = Object.entries(given);
  if (
    entries.length > 100 ||
    entries.some(([name, value]) => typeof value !== "string" || name.length > 100 || value.length > 300)
  )
    throw refuse("must give at most 100 short strings as its environment");
  checkNumbers(content, refuse);
  const summary = "summary" in content ? content.summary : undefined;
  const predictions = "predictions" in content ? content.predictions : undefined;
  if (predictions !== undefined && !isNumbers(predictions))
    throw refuse(`must give at most ${mostPredictions} finite numbers as its predictions`);
  return {
    environment: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])),
    ...(typeof summary === "string" ? { summary: summary.slice(0, summaryLength) } : {}),
    ...(predictions === undefined ? {} : { predictions }),
  };
}

/** JSON has neither NaN nor infinity, but `1e999` is read as one. */
function checkNumbers(content: object, refuse: (cause: string) => CountersignError): void {
  if ("summary" in content && content.summary !== undefined && typeof content.summary !== "string")
    throw refuse("must give a sentence as its summary");
  const metrics = "metrics" in content ? content.metrics : undefined;
  const areNumbers =
    typeof metrics === "object" && metrics !== null && !Array.isArray(metrics) && Object.values(metrics).every(Number.isFinite);
  if (metrics !== undefined && metrics !== null && !areNumbers) throw refuse("must give finite numbers as its metrics");
}

/** Of twenty rows, each with a number a class. */
const mostPredictions = 20 * mostClasses;

function isNumbers(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= mostPredictions &&
    value.every((one) => typeof one === "number" && Number.isFinite(one))
  );
}
