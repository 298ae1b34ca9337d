import { readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { CountersignError } from "../../domain/errors.ts";
import type { Brought } from "./offers.ts";

/** A file changed less than this ago may change again without another time of change (file systems count in up to 2 s). */
const settledMs = 2_000;

/** The data root without links. Throws `source-missing`. */
export async function openDataRoot(dataRoot: string): Promise<string> {
  return realpath(dataRoot).catch((cause: unknown) => {
    throw new CountersignError("source-missing", "The data root is not there.", { cause });
  });
}

/** Where a name below the root leads. A link out of the root is `outside`. */
export async function locate(root: string, name: string): Promise<{ path: string } | "missing" | "outside" | "no-file"> {
  try {
    const path = await realpath(join(root, name));
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) return "outside";
    return (await stat(path)).isFile() ? { path } : "no-file";
  } catch (error) {
    if (isAbsent(error)) return "missing";
    throw error;
  }
}

/**
 * A local file is read where it lies. Size, times of change and inode tell whether it is the file
 * that was read before; one that changed just now is trusted to nobody.
 */
export async function bringLocal(path: string, known: string | null): Promise<Brought> {
  const found = await stat(path, { bigint: true });
  const fingerprint = `${found.size}:${found.mtimeNs}:${found.ctimeNs}:${found.ino}`;
  const settled = Date.now() - Number(found.ctimeMs) > settledMs && Date.now() - Number(found.mtimeMs) > settledMs;
  if (settled && fingerprint === known) return { unchanged: true };
  return { unchanged: false, path, fingerprint: settled ? fingerprint : null };
}

/** Names below the root that match, by name. `*` matches within one name and no leading dot. */
export async function expand(root: string, pattern: string): Promise<string[]> {
  let names = [""];
  for (const segment of pattern.split("/")) {
    const next: string[] = [];
    for (const name of names) {
      if (!segment.includes("*")) next.push(join(name, segment));
      else for (const entry of await entries(join(root, name))) if (matches(segment, entry)) next.push(join(name, entry));
    }
    names = next;
  }
  return names.toSorted((a, b) => (a < b ? -1 : 1));
}

async function entries(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** `*` stands for any letters but a slash; a name that begins with a dot is hidden. */
export function matches(segment: string, name: string): boolean {
  const pattern = segment.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return !name.startsWith(".") && new RegExp(`^${pattern.join("[^/]*")}$`, "s").test(name);
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}
