import { memoryOf, processesOf } from "./process-tree.ts";

export interface ProcessLimits {
  wallMs: number;
  /** Resident memory of the program and all its children together. Virtual memory is no measure: Node alone reserves gigabytes. */
  memoryBytes: number;
  /** Log and files together. */
  outputBytes: number;
}

export type StopReason = "time" | "memory" | "output" | "cancelled";

export interface GuardInput {
  pid: number;
  limits: ProcessLimits;
  logBytes: () => number;
  /** Bytes in files that the program wrote; must not reject. */
  fileBytes?: () => Promise<number>;
}

/** A fast eater takes about 200 MB in a tick; a look costs 2 ms. */
const lookEveryMs = 100;
/** From the polite signal to the one that cannot be refused. */
const graceMs = 2_000;

/** Looks at a process group again and again, and ends it once when it breaks a limit or when it is told to. */
export function guardProcess({ pid, limits, logBytes, fileBytes }: GuardInput) {
  const startedAt = performance.now();
  let stoppedBy: StopReason | null = null;
  let peakMemoryBytes = 0;
  let writtenBytes = 0;
  let measuring: Promise<void> | null = null;
  let forced: NodeJS.Timeout | undefined;
  let killed = false;

  function stop(reason: StopReason): void {
    if (stoppedBy !== null) return;
    stoppedBy = reason;
    // Memory that is running away leaves no time for politeness.
    if (reason === "memory") return killGroup(pid);
    signalProcess(-pid, "SIGTERM");
    forced = setTimeout(() => {
      killed = true;
      killGroup(pid);
    }, graceMs);
  }

  function measureFiles(): Promise<void> {
    measuring ??= (fileBytes?.() ?? Promise.resolve(0)).then((bytes) => {
      writtenBytes = Math.max(writtenBytes, bytes);
      measuring = null;
    });
    return measuring;
  }

  function look(): void {
    const memory = memoryOf(processesOf(pid));
    peakMemoryBytes = Math.max(peakMemoryBytes, memory);
    if (memory > limits.memoryBytes) stop("memory");
    if (performance.now() - startedAt > limits.wallMs) stop("time");
    if (logBytes() + writtenBytes > limits.outputBytes) stop("output");
    void measureFiles();
  }
  const watch = setInterval(look, lookEveryMs);

  return {
    stop,
    stoppedBy: () => stoppedBy,
    /** To be called when the program has ended: also ends what it left behind. */
    end: async () => {
      clearInterval(watch);
      clearTimeout(forced);
      killGroup(pid);
      // What it wrote since the last look counts too: a full file system ends a program before we do.
      await measuring;
      await measureFiles();
      if (logBytes() + writtenBytes > limits.outputBytes) stoppedBy ??= "output";
      return { stoppedBy, killed, peakMemoryBytes, durationMs: Math.round(performance.now() - startedAt) };
    },
  };
}

/** Kills a group and its descendants, once and for all; what is already gone is no fault. */
export function killGroup(group: number): void {
  const members = processesOf(group);
  signalProcess(-group, "SIGKILL");
  for (const pid of members) signalProcess(pid, "SIGKILL");
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
