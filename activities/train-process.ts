import { mkdir } from "node:fs/promises";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { CountersignError } from "../domain/errors.ts";
import { type BoundedProcess, type ProcessEnd, runBounded } from "../ml/trainers/bounded-process.ts";
import type { CodeFolder } from "../ml/trainers/code-folder.ts";
import { type Command, isolationFor } from "../ml/trainers/isolation.ts";
import { jobFiles, type TrainerReport, type TrainJob } from "../ml/trainers/job-contract.ts";
import { createJobFolder, readOutput, writtenBytes } from "../ml/trainers/job-folder.ts";
import { mostClasses } from "../ml/trainers/training-data.ts";
import { endOrphans, forgetJob, recordJob } from "../ml/trainers/job-records.ts";

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
  /** Files and folders that the trainer must not see, where the system can hide them. */
  hidden: string[];
  signal: AbortSignal;
  onLine: (line: string) => void;
}

export interface TrainProcessResult {
  end: ProcessEnd;
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
  baseline: {
    command: process.execPath,
    args: [fileURLToPath(new URL("../ml/trainers/baseline-main.ts", import.meta.url))],
  },
};

/**
 * Runs a trainer in a private folder under the contract of files (job-contract.ts), after ending
 * whatever an earlier attempt left running, and reads what it wrote. The folder is gone afterwards.
 */
export async function runTrainer(input: TrainProcessInput): Promise<TrainProcessResult> {
  const { jobsDirectory, release, job, trainData, validationData = null, code = null, limits, signal, onLine } = input;
  await mkdir(jobsDirectory, { recursive: true });
  await endOrphans(jobsDirectory, release);
  const isolation = await isolationFor(input.command, input.hidden);
  const folder = await createJobFolder({
    jobsDirectory,
    release,
    job,
    trainData,
    validationData,
    code,
    user: isolation.user,
  });
  const bounded: BoundedProcess = {
    ...isolation.wrap(input.command),
    cwd: folder.path,
    env: environment(folder.path),
    limits: {
      wallMs: limits.minutes * 60_000,
      memoryBytes: limits.memoryMb * 2 ** 20,
      outputBytes: limits.outputMb * 2 ** 20,
    },
    signal,
    onLine,
    fileBytes: async () => (await writtenBytes(folder.path)) - (code?.bytes ?? 0),
    onStart: (pid) => {
      recordJob({ jobsDirectory, job: folder.name, release, pid });
      lowerPriority(pid);
    },
  };
  try {
    const end = await runBounded(bounded);
    const header = `Trainer "${input.trainer}" (${isolation.description}); limits: ${limits.minutes} min, ${limits.memoryMb} MB of memory, ${limits.outputMb} MB of output.`;
    const result: TrainProcessResult = {
      end,
      log: `${header}\n${end.log}`,
      model: null,
      report: null,
      refusal: null,
    };
    if (end.code !== 0 || end.stoppedBy !== null) return result;
    try {
      const report = readReport(await readOutput(folder.path, jobFiles.report, reportLimitBytes));
      return {
        ...result,
        model: await readOutput(folder.path, jobFiles.model, bounded.limits.outputBytes),
        report,
      };
    } catch (error) {
      if (error instanceof CountersignError) return { ...result, refusal: error };
      throw error;
    }
  } finally {
    forgetJob(jobsDirectory, folder.name);
  }
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
  const given = typeof content === "object" && content !== null && "environment" in content ? content.environment : null;
  if (typeof given !== "object" || given === null) throw refuse("has no environment");
  const entries = Object.entries(given);
  if (
    entries.length > 100 ||
    entries.some(([name, value]) => typeof value !== "string" || name.length > 100 || value.length > 300)
  )
    throw refuse("must give at most 100 short strings as its environment");
  const summary = typeof content === "object" && content !== null && "summary" in content ? content.summary : undefined;
  const predictions =
    typeof content === "object" && content !== null && "predictions" in content ? content.predictions : undefined;
  if (predictions !== undefined && !isNumbers(predictions))
    throw refuse(`must give at most ${mostPredictions} numbers as its predictions`);
  return {
    environment: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])),
    ...(typeof summary === "string" ? { summary: summary.slice(0, summaryLength) } : {}),
    ...(predictions === undefined ? {} : { predictions }),
  };
}

/** Of twenty rows, each with a number a class. */
const mostPredictions = 20 * mostClasses;

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= mostPredictions && value.every((one) => typeof one === "number");
}
