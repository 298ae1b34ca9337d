import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterDeath } from "./backoff.ts";
import type { Home } from "../home.ts";
import { logPath } from "./logs.ts";
import { signal } from "./process-end.ts";
import { liveOnce, type Life } from "./process-life.ts";

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
  /** Which rights the files that it makes do not get; left out: as ours. */
  umask?: number;
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
  /** Starts it, and again after each death; resolves when it is ready, rejects with a Failure's message when it is given up before. */
  start(): Promise<void>;
  /** Resolves when it is given up. */
  failed: Promise<Failure>;
  /** Ends it gracefully, after `withinMs` by force with its group. Never starts again. */
  stop(withinMs: number): Promise<void>;
}

/**
 * stopped → starting → ready → dead → waiting → starting …, until `stop`, or until it died too
 * often in a row: then it is given up, with the end of its log.
 */
export function createSupervisedProcess(
  spec: ProcessSpec,
  deps: { home: Home; order: number; tell(line: string): void },
): SupervisedProcess {
  const { home, order, tell } = deps;
  const log = logPath(home, spec.name);
  const failed = Promise.withResolvers<Failure>();
  const firstReady = Promise.withResolvers<void>();
  const stopping = new AbortController();
  let child: ChildProcess | null = null;
  let running: Promise<void> = Promise.resolve();
  let wasEverReady = false;

  function onStarted(started: ChildProcess): void {
    child = started;
    // It may have been told to stop in the moment before there was anything to stop.
    if (stopping.signal.aborted && started.pid !== undefined) signal(started.pid, spec.stopSignal);
  }

  function onReady(pid: number): void {
    if (wasEverReady) tell(`${spec.name} is up again (process ${pid})`);
    wasEverReady = true;
    firstReady.resolve();
  }

  function giveUp({ died, tail }: Life, deaths: number): void {
    const head = `${spec.name} ${died}, ${deaths} times in a row, and is given up. The end of ${log}:`;
    const message = [head, ...tail.map((line) => `    ${line}`)].join("\n");
    failed.resolve({ name: spec.name, message });
    firstReady.reject(new Error(message));
  }

  async function keepAlive(): Promise<void> {
    for (let before = 0; !stopping.signal.aborted;) {
      const life = await liveOnce(spec, { home, order, onStarted, onReady });
      child = null;
      if (stopping.signal.aborted) return;
      const verdict = afterDeath({ before, livedMs: life.livedMs, wasEverReady });
      if (!verdict.restart) return giveUp(life, verdict.deaths);
      before = verdict.deaths;
      tell(`${spec.name} ${life.died}; it starts again in ${verdict.waitMs / 1000} s (log: ${log})`);
      await sleep(verdict.waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    name: spec.name,
    failed: failed.promise,
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
      if (child?.pid !== undefined) signal(child.pid, spec.stopSignal);
      const byForce = setTimeout(() => {
        if (child?.pid === undefined) return;
        tell(`${spec.name} did not end within ${withinMs / 1000} s and is killed`);
        signal(-child.pid, "SIGKILL");
      }, withinMs);
      await running.finally(() => clearTimeout(byForce));
    },
  };
}
