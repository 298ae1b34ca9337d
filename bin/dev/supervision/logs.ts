import { open, stat, truncate, copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Home } from "../home.ts";

/** A log is kept twice (the present one and the one before), so twice this is what a process takes at most. */
const rotateAboveBytes = 5 * 1024 * 1024;
const tailBytes = 16 * 1024;

export function logPath(home: Home, name: string): string {
  return join(home.logs, `${name}.log`);
}

/**
 * Moves a full log aside. Processes write to the file themselves (they outlive us, and a pipe
 * would not), appending; so the file is copied and cut to nothing, and a line written in that very
 * moment may be lost.
 */
export async function rotateLog(path: string, aboveBytes = rotateAboveBytes): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  if (info === null || info.size <= aboveBytes) return false;
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
  return true;
}

/** The last lines of a log, from byte `since` on; empty when there are none. */
export async function logTail(path: string, options: { lines: number; since?: number }): Promise<string[]> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return [];
  try {
    const { size } = await file.stat();
    const from = Math.max(size - tailBytes, (options.since ?? 0) <= size ? (options.since ?? 0) : 0);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = buffer.toString("utf8", 0, bytesRead).trimEnd();
    return text === "" ? [] : text.split("\n").slice(-options.lines);
  } finally {
    await file.close();
  }
}
