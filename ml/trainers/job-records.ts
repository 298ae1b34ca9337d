import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killGroup } from "./process-guard.ts";
import { processesOf, startOf } from "./process-tree.ts";

/** Who runs for whom, on disk beside the job's folder, so that a worker can end what a killed one left behind. */
interface JobRecord {
  release: string;
  host: string;
  pid: number;
  /** From `startOf`: a process number alone may have been given to somebody else. */
  started: string;
  worker: { pid: number; started: string };
}

const suffix = ".job";

/** Synchronous: written in the same turn in which the process starts. */
export function recordJob({
  jobsDirectory,
  job,
  release,
  pid,
}: {
  jobsDirectory: string;
  job: string;
  release: string;
  pid: number;
}): void {
  const record: JobRecord = {
    release,
    host: hostname(),
    pid,
    started: startOf(pid) ?? "",
    worker: { pid: process.pid, started: startOf(process.pid) ?? "" },
  };
  writeFileSync(join(jobsDirectory, job + suffix), JSON.stringify(record), { mode: 0o600 });
}

/** Ends a job's traces on disk. */
export function forgetJob(jobsDirectory: string, job: string): void {
  try {
    rmSync(join(jobsDirectory, job), { recursive: true, force: true });
  } catch {
    // A trainer can take away its own rights to what it wrote: litter, but no reason to fail a release.
  }
  rmSync(join(jobsDirectory, job + suffix), { force: true });
}

/**
 * Kills trainers that nobody waits for any more: those whose worker is gone, and those of `release`
 * (its earlier attempt timed out; at most one attempt counts). Returns how many were still running.
 */
export async function endOrphans(jobsDirectory: string, release: string | null): Promise<number> {
  let ended = 0;
  for (const file of readdirSync(jobsDirectory).filter((name) => name.endsWith(suffix))) {
    const record = readRecord(join(jobsDirectory, file));
    // A directory shared with another machine: its numbers mean nothing here.
    if (record !== null && record.host !== hostname()) continue;
    const abandoned = record === null || record.release === release || startOf(record.worker.pid) !== record.worker.started;
    if (!abandoned) continue;
    if (record !== null && runs(record)) {
      ended += 1;
      killGroup(record.pid);
      for (let wait = 0; wait < 100 && runs(record); wait += 1) await sleep(50);
    }
    forgetJob(jobsDirectory, file.slice(0, -suffix.length));
  }
  return ended;
}

/** The leader lives, or members of its group outlived it: their group's number is given to nobody else meanwhile. */
function runs({ pid, started }: JobRecord): boolean {
  const start = startOf(pid);
  return start === null ? processesOf(pid).some((member) => startOf(member) !== null) : start === started;
}

function readRecord(path: string): JobRecord | null {
  try {
    // Written whole by recordJob, in a directory of ours.
    return JSON.parse(readFileSync(path, "utf8")) as JobRecord;
  } catch {
    // Cut short by a power cut, or removed by its worker meanwhile.
    return null;
  }
}
