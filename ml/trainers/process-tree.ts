import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
}

/** Everything that runs on this machine; from /proc on Linux, else from `ps`. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform !== "linux") return listByPs();
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const fields = statFields(pid);
    if (fields !== null) entries.push({ pid, parent: Number(fields[1]), group: Number(fields[2]) });
  }
  return entries;
}

/** The members of a process group and all their descendants, wherever they moved to. */
export function processesOf(group: number, all = listProcesses()): number[] {
  const found = new Set(all.filter((entry) => entry.group === group || entry.pid === group).map(({ pid }) => pid));
  let grew = found.size > 0;
  while (grew) {
    grew = false;
    for (const { pid, parent } of all) {
      if (!found.has(pid) && found.has(parent)) {
        found.add(pid);
        grew = true;
      }
    }
  }
  return [...found];
}

/** Resident and swapped memory of the processes together, in bytes; one that has ended counts nothing. */
export function memoryOf(pids: number[]): number {
  if (pids.length === 0) return 0;
  if (process.platform !== "linux") {
    return ps(["-o", "rss=", "-p", pids.join(",")])
      .split("\n")
      .reduce((sum, line) => sum + Number(line) * 1024, 0);
  }
  return pids.reduce((sum, pid) => {
    const status = readOrNull(`/proc/${pid}/status`) ?? "";
    return (
      sum + [...status.matchAll(/^Vm(?:RSS|Swap):\s+(\d+) kB$/gm)].reduce((bytes, match) => bytes + Number(match[1]) * 1024, 0)
    );
  }, 0);
}

/** When the process started (with the machine's boot), so that a number used again is not mistaken for it; null when there is none. */
export function startOf(pid: number): string | null {
  if (process.platform !== "linux") {
    return ps(["-o", "lstart=", "-p", String(pid)]).trim() || null;
  }
  const fields = statFields(pid);
  // A zombie has ended: it only waits to be counted by its parent.
  if (fields === null || fields[0] === "Z") return null;
  return `${(readOrNull("/proc/sys/kernel/random/boot_id") ?? "").trim()}/${fields[19]}`;
}

/** Fields of /proc/<pid>/stat from the third (state) on: the second, the name, may hold spaces and brackets. */
function statFields(pid: number): string[] | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It ended between the listing and the reading.
    return null;
  }
}

function listByPs(): ProcessEntry[] {
  return ps(["-axo", "pid=,ppid=,pgid="])
    .split("\n")
    .flatMap((line) => {
      const [pid, parent, group] = line.trim().split(/\s+/).map(Number);
      return pid === undefined || parent === undefined || group === undefined ? [] : [{ pid, parent, group }];
    });
}

function ps(args: string[]): string {
  try {
    return execFileSync("ps", args, { encoding: "utf8" });
  } catch {
    // It fails when none of the processes asked for is there any more.
    return "";
  }
}
