import { readFile } from "node:fs/promises";
import { realpathSync } from "node:fs";

export interface Mount {
  path: string;
  /** With a comma before each: what a user namespace may not take away from it. */
  options: string;
}

/** What is mounted, as this process sees it: proc_pid_mountinfo(5). */
export async function readMounts(): Promise<Mount[]> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).trim().split("\n");
  return lines.map((line) => {
    const [, , , , path = "", options = ""] = line.split(" ");
    return { path: unescaped(path), options: options.split(",").includes("noexec") ? ",noexec" : "" };
  });
}

/** Of the mount in which `path` lies. */
export function mountOptions(mounts: Mount[], path: string): string {
  const real = realpathSync(path);
  const holders = mounts.filter((mount) => mount.path === "/" || real === mount.path || real.startsWith(`${mount.path}/`));
  // Of two at one place the later covers the earlier.
  return holders.reduce((best, mount) => (mount.path.length >= best.path.length ? mount : best), { path: "", options: "" })
    .options;
}

export function mountsBelow(mounts: Mount[], path: string): Mount[] {
  return mounts.filter((mount) => mount.path.startsWith(`${path}/`));
}

function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
