import type { Home } from "../home.ts";
import { logPath, rotateLog } from "./logs.ts";
import { createSupervisedProcess, type Failure, type ProcessSpec, type SupervisedProcess } from "./supervised-process.ts";

/** How long each process has to end by itself. */
const politelyWithinMs = 10_000;
const rotateEveryMs = 5_000;

export interface Supervisor {
  /** Starts these together and resolves when all of them are ready. */
  start(specs: ProcessSpec[]): Promise<void>;
  /** Resolves when a process that was up is given up. */
  failed: Promise<Failure>;
  /** Ends what was started, the last group first; each group's processes together. */
  stop(): Promise<void>;
}

/** Keeps processes running: see supervised-process.ts for the life of each. */
export function createSupervisor(deps: { home: Home; tell(line: string): void }): Supervisor {
  const groups: SupervisedProcess[][] = [];
  const failed = Promise.withResolvers<Failure>();
  let order = 0;
  let stopping: Promise<void> | null = null;

  const rotation = setInterval(() => {
    for (const { name } of groups.flat()) void rotateLog(logPath(deps.home, name)).catch(() => undefined);
  }, rotateEveryMs);
  rotation.unref();

  async function stopAll(): Promise<void> {
    clearInterval(rotation);
    for (const group of groups.toReversed()) await Promise.all(group.map((one) => one.stop(politelyWithinMs)));
  }

  return {
    failed: failed.promise,
    async start(specs) {
      if (stopping !== null) throw new Error("the supervisor is stopping");
      const group = specs.map((spec) => createSupervisedProcess(spec, { ...deps, order: (order += 1) }));
      groups.push(group);
      for (const one of group) void one.failed.then(failed.resolve);
      await Promise.all(group.map((one) => one.start()));
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}
