import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:os";
import { Duplex, type Readable, type Writable } from "node:stream";
import type { Command } from "./isolation.ts";
import { createLogTail } from "./log-tail.ts";
import { guardProcess, killGroup, type ProcessLimits, type StopReason } from "./process-guard.ts";

export interface BoundedProcess extends Command {
  cwd: string;
  env: Record<string, string>;
  limits: ProcessLimits;
  signal: AbortSignal;
  /** Bytes in files that the program wrote; must not reject. */
  fileBytes?: () => Promise<number>;
  /**
   * Of a program behind a gate (private-tree.ts): called when everything stands for it, and before it starts. When
   * it rejects, the program never does.
   */
  onGate?: (pid: number) => Promise<void>;
  /** Called in the same turn in which the process starts; when it throws, the process is ended. */
  onStart?: (pid: number) => void;
  onLine?: (line: string) => void;
}

export interface ProcessEnd {
  /** False where it ended before its gate, so that the program itself never ran. */
  began: boolean;
  /** Null when a signal ended it. */
  code: number | null;
  signal: string | null;
  /** Why we ended it; null when it ended by itself. */
  stoppedBy: StopReason | null;
  /** Whether the polite signal was not enough. */
  killed: boolean;
  /** The end of stdout and stderr, a mebibyte at most. */
  log: string;
  logBytes: number;
  durationMs: number;
  peakMemoryBytes: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Whoever holds the pipes open after the end gets no longer than this. */
const pipesMs = 2_000;

/**
 * Runs a program as the leader of its own process group within limits, and ends the whole group
 * when it breaks one, when `signal` aborts, and when the program itself has ended. Rejects only
 * when it could not be started, or `onGate` did. Its stdin is a pipe that ends with this process.
 */
export async function runBounded(job: BoundedProcess): Promise<ProcessEnd> {
  job.signal.throwIfAborted();
  const { command, args, cwd, env } = job;
  const stdio = ["pipe", "pipe", "pipe", job.onGate === undefined ? "ignore" : "pipe"] as const;
  // The first three are pipes, which the list of four does not tell the compiler.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: [...stdio] }) as Child;
  const pid = await started(child, job.onStart);
  const gate = watchGate(child, pid, job.onGate);
  const log = createLogTail(job.onLine);
  const { limits, fileBytes } = job;
  const guard = guardProcess({ pid, limits, logBytes: log.bytes, ...(fileBytes === undefined ? {} : { fileBytes }) });
  const take = (chunk: Buffer) => {
    log.add(chunk);
    if (log.bytes() > limits.outputBytes) guard.stop("output");
    // Once it is being ended, what it still prints is not worth the work.
    if (guard.stoppedBy() === "output") for (const stream of [child.stdout, child.stderr]) stream.destroy();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  // A program that does not read its stdin closes it: no fault.
  child.stdin.on("error", () => undefined);
  const cancel = () => guard.stop("cancelled");
  job.signal.addEventListener("abort", cancel, { once: true });
  const { code, signal } = await exited(child);
  job.signal.removeEventListener("abort", cancel);
  const end = await guard.end();
  await closed(child);
  const began = await gate();
  return { began, ...end, ...nameEnd(code, signal), log: log.text(), logBytes: log.bytes() };
}

/** Answers the gate when it is reached; gives what tells afterwards whether it was opened. */
function watchGate(child: Child, pid: number, onGate: BoundedProcess["onGate"]): () => Promise<boolean> {
  const stream = child.stdio[3];
  if (onGate === undefined || !(stream instanceof Duplex)) return () => Promise.resolve(true);
  let opening: Promise<boolean> = Promise.resolve(false);
  // It may end while it is answered: its end tells.
  stream.on("error", () => undefined);
  stream.once("data", () => {
    opening = onGate(pid).then(() => {
      stream.end("go\n");
      return true;
    });
    opening.catch(() => killGroup(pid));
  });
  return () => opening.finally(() => stream.destroy());
}

/** The process's number, without a turn in between: nothing may come between the start and its record. */
function started(child: Child, onStart: BoundedProcess["onStart"]): Promise<number> | number {
  const { pid } = child;
  if (pid === undefined) return new Promise((_, reject) => child.once("error", reject));
  // A signal that could not be sent is told here too; the end will tell the rest.
  child.on("error", () => undefined);
  try {
    onStart?.(pid);
  } catch (error) {
    killGroup(pid);
    throw error;
  }
  return pid;
}

function exited(child: Child): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
}

/** Waits until all output has been read. */
function closed(child: Child): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(late);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      resolve();
    };
    const late = setTimeout(settle, pipesMs);
    if (child.stdout.closed && child.stderr.closed) settle();
    else child.once("close", settle);
  });
}

/** A shell between us and the program tells its signal as 128 + number. */
function nameEnd(code: number | null, signal: string | null): { code: number | null; signal: string | null } {
  if (code === null || code <= 128) return { code, signal };
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? { code, signal } : { code: null, signal: name };
}
