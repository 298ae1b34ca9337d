import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./programs.ts";

export interface Processes {
  /** Goes on in the background; its output is in `logs/`. */
  start(name: string, program: Program): void;
  /** Until it ended well; throws with the end of its output otherwise. */
  run(name: string, program: Program): Promise<void>;
  /** Asks again until the answer is yes; throws when the process dies meanwhile, or after 90 s. */
  until(name: string, isReady: () => Promise<boolean>): Promise<void>;
  /** In the reverse order of their start; kill -9 for what does not end in 20 s. */
  stop(names?: string[]): Promise<void>;
}

const readyWithinMs = 90_000;
const endWithinMs = 20_000;

export function createProcesses(folder: string, root: string): Processes {
  const running = new Map<string, ChildProcess>();
  const logOf = (name: string) => join(folder, "logs", `${name}.log`);
  const endOfLog = async (name: string) => (await readFile(logOf(name), "utf8").catch(() => "")).slice(-3_000);

  function launch(name: string, { command, args, env, owner }: Program): ChildProcess {
    const child = spawn(command, args, { cwd: root, env, ...owner, stdio: ["ignore", "pipe", "pipe"] });
    const log = createWriteStream(logOf(name), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once("close", () => log.end());
    return child;
  }

  async function end(name: string): Promise<void> {
    const child = running.get(name);
    running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    // PostgreSQL's fast shutdown is SIGINT: SIGTERM would wait for its clients.
    child.kill(name === "postgres" ? "SIGINT" : "SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), endWithinMs);
    await ended;
    clearTimeout(timer);
  }

  return {
    start(name, program) {
      running.set(name, launch(name, program));
    },
    async run(name, program) {
      const child = launch(name, program);
      const [code] = (await once(child, "close")) as [number | null];
      if (code !== 0) throw new Error(`${name} ended with ${code}:\n${await endOfLog(name)}`);
    },
    async until(name, isReady) {
      for (const until = Date.now() + readyWithinMs; Date.now() < until; await sleep(200)) {
        const child = running.get(name);
        if (child === undefined || child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${name} ended with ${child?.exitCode ?? child?.signalCode}:\n${await endOfLog(name)}`);
        if (await isReady().catch(() => false)) return;
      }
      throw new Error(`${name} is not ready after ${readyWithinMs / 1000} s:\n${await endOfLog(name)}`);
    },
    async stop(names = [...running.keys()]) {
      for (const name of names.toReversed()) await end(name);
    },
  };
}
