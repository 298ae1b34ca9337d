import { createReadStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Digest, digestPattern } from "../domain/ids.ts";
import { placeOf } from "./artifact-place.ts";

const digestInText = /sha256:[0-9a-f]{64}/g;
const digestLength = "sha256:".length + 64;
const openingBrackets = new Set(["{", "["]);

export type ArtifactSweep = ReturnType<typeof createArtifactSweep>;

/** What looking through a store takes, and removing from it: for the one process that does it. */
export function createArtifactSweep(directory: string) {
  const root = join(resolve(directory), "sha256");

  /** All artifacts, with when each was written or put the last time (milliseconds). */
  async function list(): Promise<Map<Digest, { bytes: number; putAt: number }>> {
    const found = new Map<Digest, { bytes: number; putAt: number }>();
    for (const folder of await namesIn(root))
      for (const name of await namesIn(join(root, folder))) {
        const digest: Digest = `sha256:${name}`;
        const facts = digestPattern.test(digest) ? await stat(join(root, folder, name)).catch(() => null) : null;
        if (facts !== null) found.set(digest, { bytes: facts.size, putAt: facts.mtimeMs });
      }
    return found;
  }

  /** Digests in the text of an artifact that is JSON; none where it is something else. */
  async function namedIn(digest: Digest): Promise<Set<Digest>> {
    const named = new Set<Digest>();
    let tail = "";
    let isFirst = true;
    const chunks: AsyncIterable<string> = createReadStream(placeOf(directory, digest), {
      encoding: "latin1",
      highWaterMark: 1 << 20,
    });
    for await (const chunk of chunks) {
      if (isFirst && !openingBrackets.has(chunk[0] ?? "")) return named;
      isFirst = false;
      const text = tail + chunk;
      // The pattern's matches are digests.
      for (const [match] of text.matchAll(digestInText)) named.add(match as Digest);
      tail = text.slice(-digestLength);
    }
    return named;
  }

  /** Removes an artifact, unless it was put since `before` (milliseconds). Gives its bytes; null where it stays. */
  async function remove(digest: Digest, before: number): Promise<number | null> {
    const place = placeOf(directory, digest);
    const facts = await stat(place).catch(() => null);
    if (facts === null || facts.mtimeMs >= before) return null;
    await rm(place, { force: true });
    return facts.size;
  }

  /** Removes what writers that died left half written before `before` (milliseconds). */
  async function clearIncoming(before: number): Promise<void> {
    const incoming = join(resolve(directory), "incoming");
    for (const name of await namesIn(incoming)) {
      const facts = await stat(join(incoming, name)).catch(() => null);
      if (facts !== null && facts.mtimeMs < before) await rm(join(incoming, name), { force: true });
    }
  }

  return { list, namedIn, remove, clearIncoming };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
