import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterDeath } from "./backoff.ts";
import type { Home } from "./home.ts";
import { logPath, logTail, rotateLog } from "./logs.ts";
import { identityOf, processesMarked, processMark } from "./process-identity.ts";
import { removeRecord, writeRecord } from "./process-records.ts";
import { signal } from "./process-end.ts";

/** One process that should run for as long as the supervisor does. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  /** The whole environment: nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  /** Another system user to run as; null or left out: ourselves. */
  owner?: { uid: number; gid: number } | null;
  /** Asked again and again until true; then the process counts as up. */
  isReady(started: { pid: number; at: Date }): Promise<boolean>;
  readyWithinMs: number;
  /** What ends it gracefully. */
  stopSignal: "SIGTERM" | "SIGINT" | "SIGQUIT";
}

/** Why the supervisor gave a process up. */
export interface Failure {
  name: string;
  message: string;
}

export interface SupervisedProcess {
  name: string;
  /** The number of the running process, or null. */
  pid(): number | null;
  /** Starts it, and again after each death; resolves when it is ready, rejects with a Failure's message when it is given up before. */
  start(): Promise<void>;
  /** Resolves when it is given up after it was ready. */
  failed: Promise<Failure>;
  /** Ends it gracefully, after `withinMs` by force with its group. Never starts again. */
  stop(withinMs: number): Promise<void>;
}

const askEveryMs = 100;
const tailLines = 12;

/**
 * stopped → starting → ready → dead → waiting → starting …, until `stop`, or until it died too
 * often in a row: then it is given up, with the end of its log.
 */
export function createSupervisedProcess(
  spec: ProcessSpec,
  deps: { home: Home; order: number; tell(line: string): void },
): SupervisedProcess {
  const { home, tell } = deps;
  const log = logPath(home, spec.name);
  const failed = Promise.withResolvers<Failure>();
  const firstReady = Promise.withResolvers<void>();
  const stopping = new AbortController();
  let child: ChildProcess | null = null;
  let running: Promise<void> = Promise.resolve();
  let wasEverReady = false;

  /** One life of the process, to its end; `died` says how, in words. */
  async function live(): Promise<{ livedMs: number; died: string; tail: string[] }> {
    const at = new Date();
    await rotateLog(log);
    const since = (await stat(log).catch(() => null))?.size ?? 0;
    if (stopping.signal.aborted) return { livedMs: 0, died: "was stopped", tail: [] };
    const started = launch(spec, { log, instance: home.instance });
    child = started.child;
    const { pid } = started.child;
    if (pid !== undefined) await record(pid);
    const isOver = new AbortController();
    const readiness = pid === undefined ? Promise.resolve("") : becomeReady({ pid, at }, isOver.signal);
    let died = await started.ended;
    isOver.abort();
    const hint = await readiness;
    if (hint !== "") died = hint;
    child = null;
    if (pid !== undefined) await clearAway(pid);
    return {
      livedMs: Date.now() - at.getTime(),
      died,
      tail: await logTail(log, { lines: tailLines, since }),
    };
  }

  /** Waits until it is ready; kills it, and says so, when that takes too long. */
  async function becomeReady(started: { pid: number; at: Date }, over: AbortSignal): Promise<string> {
    const deadline = Date.now() + spec.readyWithinMs;
    while (!over.aborted) {
      if (await spec.isReady(started).catch(() => false)) {
        if (over.aborted) return "";
        if (wasEverReady) tell(`${spec.name} is up again (process ${started.pid})`);
        wasEverReady = true;
        firstReady.resolve();
        return "";
      }
      if (Date.now() > deadline) {
        signal(-started.pid, "SIGKILL");
        return `was not ready within ${spec.readyWithinMs / 1000} s`;
      }
      await sleep(askEveryMs);
    }
    return "";
  }

  async function record(pid: number): Promise<void> {
    const identity = await identityOf(pid);
    if (identity === null) return;
    await writeRecord(home, {
      name: spec.name,
      pid,
      identity,
      stopSignal: spec.stopSignal,
      order: deps.order,
    });
  }

  /** What a dead process started goes with it. */
  async function clearAway(pid: number): Promise<void> {
    signal(-pid, "SIGKILL");
    for (const stray of await processesMarked(`${home.instance}:${spec.name}`)) signal(stray, "SIGKILL");
    await removeRecord(home, spec.name);
  }

  async function keepAlive(): Promise<void> {
    for (let before = 0; !stopping.signal.aborted;) {
      const { livedMs, died, tail } = await live();
      if (stopping.signal.aborted) return;
      const verdict = afterDeath({ before, livedMs, wasEverReady });
      if (!verdict.restart) {
        const message = [
          `${spec.name} ${died}, ${verdict.deaths} times in a row, and is given up. The end of ${log}:`,
          ...tail.map((line) => `    ${line}`),
        ].join("\n");
        failed.resolve({ name: spec.name, message });
        firstReady.reject(new Error(message));
        return;
      }
      before = verdict.deaths;
      tell(`${spec.name} ${died}; it starts again in ${verdict.waitMs / 1000} s (log: ${log})`);
      await sleep(verdict.waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    name: spec.name,
    failed: failed.promise,
    pid: () => child?.pid ?? null,
    start() {
      running = keepAlive();
      running.catch((error: unknown) => firstReady.reject(error));
      return firstReady.promise;
    },
    async stop(withinMs) {
      stopping.abort();
      firstReady.reject(new Error(`${spec.name} is being stopped`));
      // Whoever called start may no longer listen.
      firstReady.promise.catch(() => undefined);
      const pid = child?.pid;
      if (pid !== undefined) signal(pid, spec.stopSignal);
      const byForce = setTimeout(() => {
        if (child?.pid === undefined) return;
        tell(`${spec.name} did not end within ${withinMs / 1000} s and is killed`);
        signal(-child.pid, "SIGKILL");
      }, withinMs);
      await running.finally(() => clearTimeout(byForce));
    },
  };
}

/** Starts the program in a process group and session of its own, writing to the log itself. */
function launch(
  spec: ProcessSpec,
  { log, instance }: { log: string; instance: string },
): { child: ChildProcess; ended: Promise<string> } {
  const output = openSync(log, "a", 0o600);
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
    closeSync(output);
  }
}
