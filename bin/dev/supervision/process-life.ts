import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Home } from "../home.ts";
import { logPath, logTail, rotateLog } from "./logs.ts";
import { signal } from "./process-end.ts";
import { identityOf, processesMarked, processMark } from "./process-identity.ts";
import { removeRecord, writeRecord } from "./process-records.ts";
import type { ProcessSpec } from "./supervised-process.ts";

/** How one life of a process went. */
export interface Life {
  livedMs: number;
  /** How it ended, in words that follow the process's name. */
  died: string;
  /** The last lines that it wrote. */
  tail: string[];
}

export interface LifeOptions {
  home: Home;
  order: number;
  /** Called with the running process. */
  onStarted(child: ChildProcess): void;
  /** Called when it is ready, if ever. */
  onReady(pid: number): void;
}

const askEveryMs = 100;
const tailLines = 20;

/** Starts a process and follows it to its end; what it started goes with it. */
export async function liveOnce(spec: ProcessSpec, options: LifeOptions): Promise<Life> {
  const { home } = options;
  const log = logPath(home, spec.name);
  await rotateLog(log);
  const since = (await stat(log).catch(() => null))?.size ?? 0;
  const at = new Date();
  const { child, ended } = launch(spec, { log, instance: home.instance });
  options.onStarted(child);
  const end = child.pid === undefined ? await ended : await follow(spec, { ...options, pid: child.pid, at, ended });
  return { livedMs: Date.now() - at.getTime(), died: end, tail: await logTail(log, { lines: tailLines, since }) };
}

async function follow(
  spec: ProcessSpec,
  options: LifeOptions & { pid: number; at: Date; ended: Promise<string> },
): Promise<string> {
  const { home, pid, ended, order } = options;
  const identity = await identityOf(pid);
  if (identity !== null) await writeRecord(home, { name: spec.name, pid, identity, stopSignal: spec.stopSignal, order });
  const over = new AbortController();
  const readiness = becomeReady(spec, { ...options, over: over.signal });
  const end = await ended;
  over.abort();
  const lateness = await readiness;
  signal(-pid, "SIGKILL");
  for (const stray of await processesMarked(`${home.instance}:${spec.name}`)) signal(stray, "SIGKILL");
  await removeRecord(home, spec.name);
  return lateness ?? end;
}

/** Asks until it is ready or over; what takes too long is killed, and that is the answer. */
async function becomeReady(
  spec: ProcessSpec,
  { pid, at, over, onReady }: LifeOptions & { pid: number; at: Date; over: AbortSignal },
): Promise<string | null> {
  const deadline = Date.now() + spec.readyWithinMs;
  for (; !over.aborted; await sleep(askEveryMs)) {
    const isReady = await spec.isReady({ pid, at }).catch(() => false);
    if (over.aborted) break;
    if (isReady) {
      onReady(pid);
      break;
    }
    if (Date.now() > deadline) {
      signal(-pid, "SIGKILL");
      return `was not ready within ${spec.readyWithinMs / 1000} s`;
    }
  }
  return null;
}

/** Starts the program in a process group and session of its own, writing to the log itself. */
function launch(
  spec: ProcessSpec,
  { log, instance }: { log: string; instance: string },
): { child: ChildProcess; ended: Promise<string> } {
  const output = openSync(log, "a", 0o600);
  // A child has the mask that we have in the moment of its birth, and nothing else happens in between.
  const ours = spec.umask === undefined ? null : process.umask(spec.umask);
  try {
    const child = spawn(spec.command, spec.args, {
      detached: true,
      stdio: ["ignore", output, output],
      env: { ...spec.env, [processMark]: `${instance}:${spec.name}` },
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...spec.owner,
    });
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`could not be started (${error.message})`));
      child.once("exit", (code, name) => resolve(name === null ? `ended with code ${code}` : `was ended by ${name}`));
    });
    return { child, ended };
  } finally {
    if (ours !== null) process.umask(ours);
    closeSync(output);
  }
}
