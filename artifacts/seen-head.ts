import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest, Timestamp } from "../domain/ids.ts";

/** The last record of the audit chain that somebody saw, kept outside of the database. */
export interface SeenHead {
  seq: number;
  hash: Digest;
  at: Timestamp;
}

/**
 * How far the audit chain has come, in a file beside the artifacts: a database that was restored to an earlier moment
 * does not know it, and says by itself that its chain is whole.
 */
export function createSeenHead(directory: string) {
  const path = join(directory, "seen-head.json");

  async function readSeenHead(): Promise<SeenHead | null> {
    try {
      // As it was written below.
      return JSON.parse(await readFile(path, "utf8")) as SeenHead;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  }

  /** Only forward: what was seen stays seen. */
  async function noteSeenHead(head: SeenHead): Promise<void> {
    const before = await readSeenHead();
    if (before !== null && before.seq >= head.seq) return;
    await mkdir(directory, { recursive: true });
    const aside = `${path}.${process.pid}-${randomUUID()}`;
    await writeFile(aside, JSON.stringify(head), { flush: true });
    await rename(aside, path);
  }

  return { readSeenHead, noteSeenHead };
}
