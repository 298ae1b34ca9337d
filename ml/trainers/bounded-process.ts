import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "./isolation.ts";
import { createLogTail } from "./log-tail.ts";
import { memoryOf, processesOf } from "./process-tree.ts";

export interface ProcessLimits {
  wallMs: number;
  /** Resident memory of the program and all its children together. Virtual memory is no measure: Node alone reserves gigabytes. */
  memoryBytes: number;
  /** Log and files together. */
  outputBytes: number;
}

export interface BoundedProcess extends Command {
  cwd: string;
  env: Record<string, string>;
  limits: ProcessLimits;
  signal: AbortSignal;
  /** Bytes in files that the program wrote; must not reject. */
  fileBytes?: () => Promise<number>;
  /** Called in the same turn in which the process starts. */
  onStart?: (pid: number) => void;
  onLine?: (line: string) => void;
}

export interface ProcessEnd {
  /** Null when a signal ended it. */
  code: number | null;
  signal: string | null;
  /** Why we ended it; null when it ended by itself. */
  stoppedBy: "time" | "memory" | "output" | "cancelled" | null;
  /** The end of stdout and stderr, a mebibyte at most. */
  log: string;
  logBytes: number;
  durationMs: number;
  peakMemoryBytes: number;
}

/** A fast eater takes about 200 MB in a tick; a look costs 2 ms. */
const lookEveryMs = 100;
/** From the polite signal to the one that cannot be refused. */
const graceMs = 2_000;

/**
 * Runs a program as the leader of its own process group within limits, and ends the whole group
 * when it breaks one, when `signal` aborts, and when the program itself has ended. Rejects only
 * when it could not be started. Its stdin is a pipe that ends with this process.
 */
export function runBounded(job: BoundedProcess): Promise<ProcessEnd> {
  const { limits, signal } = job;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const startedAt = performance.now();
    const child = spawn(job.command, job.args, {
      cwd: job.cwd,
      env: job.env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { pid } = child;
    if (pid === undefined) {
      child.once("error", reject);
      return;
    }
    job.onStart?.(pid);
    const log = createLogTail(job.onLine);
    let stoppedBy: ProcessEnd["stoppedBy"] = null;
    let peakMemoryBytes = 0;
    let fileBytes = 0;
    let measuring = false;
    let forced: NodeJS.Timeout | undefined;

    const stop = (reason: NonNullable<ProcessEnd["stoppedBy"]>) => {
      if (stoppedBy !== null) return;
      stoppedBy = reason;
      // Memory that is running away leaves no time for politeness.
      if (reason === "memory") return killGroup(pid);
      signalGroup(pid, "SIGTERM");
      forced = setTimeout(() => killGroup(pid), graceMs);
    };
    const cancel = () => stop("cancelled");
    const measure = async () => {
      measuring = true;
      fileBytes = (await job.fileBytes?.()) ?? 0;
      measuring = false;
    };
    const look = () => {
      const memory = memoryOf(processesOf(pid));
      peakMemoryBytes = Math.max(peakMemoryBytes, memory);
      if (memory > limits.memoryBytes) stop("memory");
      if (performance.now() - startedAt > limits.wallMs) stop("time");
      if (!measuring) void measure();
      if (log.bytes() + fileBytes > limits.outputBytes) stop("output");
    };
    const watch = setInterval(look, lookEveryMs);
    const take = (chunk: Buffer) => {
      log.add(chunk);
      if (log.bytes() > limits.outputBytes) stop("output");
      // Once it is being ended, what it still prints is not worth the work.
      if (stoppedBy === "output") for (const stream of [child.stdout, child.stderr]) stream.destroy();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    // A program that does not read its stdin closes it: no fault.
    child.stdin.on("error", () => undefined);
    child.once("error", (error) => log.add(Buffer.from(`${error.message}\n`)));
    signal.addEventListener("abort", cancel, { once: true });

    child.once("exit", (code, exitSignal) => {
      clearInterval(watch);
      clearTimeout(forced);
      signal.removeEventListener("abort", cancel);
      // What it left behind would hold the pipes open, and outlive it.
      killGroup(pid);
      const end = {
        ...nameEnd(code, exitSignal),
        stoppedBy,
        durationMs: Math.round(performance.now() - startedAt),
        peakMemoryBytes,
      };
      const settle = () => {
        clearTimeout(late);
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
        resolve({ ...end, log: log.text(), logBytes: log.bytes() });
      };
      const late = setTimeout(settle, graceMs);
      child.once("close", settle);
    });
  });
}

/** Kills a group and its descendants, once and for all; what is already gone is no fault. */
export function killGroup(group: number): void {
  const members = processesOf(group);
  signalGroup(group, "SIGKILL");
  for (const pid of members) signalProcess(pid, "SIGKILL");
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  signalProcess(-group, signal);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** A shell between us and the program tells its signal as 128 + number. */
function nameEnd(code: number | null, signal: string | null): { code: number | null; signal: string | null } {
  if (code === null || code <= 128) return { code, signal };
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? { code, signal } : { code: null, signal: name };
}
