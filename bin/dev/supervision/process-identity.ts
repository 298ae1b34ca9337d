import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** In the environment of every process of an instance, and of what it starts: `<instance>:<name>`. */
export const processMark = "COUNTERSIGN_PROCESS";

/**
 * What tells a process from a later one with the same number: the boot and its start time.
 * Null when there is no such process. Linux reads /proc; elsewhere `ps` knows the start time.
 */
export async function identityOf(pid: number): Promise<string | null> {
  if (process.platform === "linux") return linuxIdentityOf(pid);
  try {
    const { stdout } = await execute("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
    });
    return stdout.trim() === "" ? null : stdout.trim();
  } catch {
    return null;
  }
}

async function linuxIdentityOf(pid: number): Promise<string | null> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The name in parentheses may hold anything; the state (field 3) follows the last one, the start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie is gone; it only waits for its parent to notice.
    if (fields[0] === "Z" || fields[0] === "X") return null;
    return `${boot.trim()} ${fields[19]}`;
  } catch {
    return null;
  }
}

/** The command line of a process, its arguments parted by blanks; null when it is gone or not ours to see. */
export async function commandLineOf(pid: number): Promise<string | null> {
  try {
    if (process.platform === "linux") return (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim();
    const { stdout } = await execute("ps", ["-o", "command=", "-p", String(pid)]);
    return stdout.trim();
  } catch {
    return null;
  }
}

/**
 * Processes that carry `mark` in their environment, wherever they moved in the process tree. A
 * random instance id is in the mark, so a stranger never has it. Linux alone can tell; elsewhere
 * the list is empty and the recorded process groups must do.
 */
export async function processesMarked(mark: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return environment.split("\0").some((entry) => entry.startsWith(`${processMark}=${mark}`));
    }),
  );
  return pids.filter((pid, index) => marked[index] === true && pid !== process.pid);
}
