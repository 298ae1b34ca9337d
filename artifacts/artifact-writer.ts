import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, type FileHandle, mkdir, open, readFile, rename, rm, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { canonicalJson } from "../domain/canonical-json.ts";
import { digestOf } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import { placeOf, sizeOf } from "./artifact-place.ts";

/**
 * Writes aside, syncs, and then gives the file its name in one step: a name never shows half an
 * artifact, after a power cut neither, and any number of processes may write the same one at once.
 */
export function createArtifactWriter(directory: string) {
  const incoming = incomingOf(directory);

  const write = (fill: (file: FileHandle) => Promise<Digest>) => writeArtifact(directory, fill);

  /** Stores bytes or a UTF-8 string; the same bytes again are no work. */
  async function put(content: Uint8Array | string): Promise<Digest> {
    const digest = digestOf(content);
    const bytes = typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
    // The size is compared so that an artifact cut short by a failing disk is not taken for whole.
    if ((await sizeOf(placeOf(directory, digest))) === bytes && (await markPut(placeOf(directory, digest)))) return digest;
    return write(async (file) => {
      await file.writeFile(content);
      return digest;
    });
  }

  /**
   * Copies a file (by its path, or open already: then it stays so) into the store as a stream, in bounded memory; the
   * digest is of the bytes that were copied.
   */
  async function putFile(source: string | FileHandle): Promise<{ digest: Digest; bytes: number }> {
    let bytes = 0;
    const digest = await write(async (file) => {
      const hash = createHash("sha256");
      for await (const chunk of chunksOf(source)) {
        hash.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
      }
      return `sha256:${hash.digest("hex")}`;
    });
    return { digest, bytes };
  }

  /** Stores the canonical JSON (RFC 8785) of a value, so that equal values have one digest. */
  async function putJson(value: unknown): Promise<Digest> {
    return put(canonicalJson(value));
  }

  /** Whether the store can be written and read now; throws `unavailable` with the reason. */
  async function checkHealth(): Promise<void> {
    const probe = join(incoming, `probe-${process.pid}-${randomUUID()}`);
    try {
      await mkdir(incoming, { recursive: true });
      const file = await open(probe, "wx");
      try {
        await file.writeFile("probe");
        await file.sync();
      } finally {
        await file.close();
      }
      if ((await readFile(probe, "utf8")) !== "probe") throw new Error("what was written reads back otherwise");
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
      throw new CountersignError("unavailable", `The artifact store cannot be written (${reason}).`, { cause: error });
    } finally {
      // A probe that could not be made needs no removing.
      await rm(probe, { force: true }).catch(() => undefined);
    }
  }

  return { put, putFile, putJson, checkHealth };
}

/** Somebody is about to name it: its age begins anew. False where it was removed at this moment. */
async function markPut(place: string): Promise<boolean> {
  const now = new Date();
  return utimes(place, now, now).then(
    () => true,
    () => false,
  );
}

function chunksOf(source: string | FileHandle): AsyncIterable<Buffer> {
  const highWaterMark = 1 << 20;
  return typeof source === "string"
    ? createReadStream(source, { highWaterMark })
    : source.createReadStream({ start: 0, autoClose: false, highWaterMark });
}

function incomingOf(directory: string): string {
  return resolve(directory, "incoming");
}

/** Runs `fill` on a new file and gives what it wrote the name that it returns. */
export async function writeArtifact(directory: string, fill: (file: FileHandle) => Promise<Digest>): Promise<Digest> {
  const incoming = incomingOf(directory);
  await mkdir(incoming, { recursive: true });
  const temporary = join(incoming, `${process.pid}-${randomUUID()}`);
  const file = await open(temporary, "wx");
  try {
    const digest = await fill(file);
    await file.sync();
    await file.close();
    const target = placeOf(directory, digest);
    await mkdir(dirname(target), { recursive: true });
    await chmod(temporary, 0o444);
    // Replaces equal bytes by equal bytes, or damaged ones by whole ones.
    await rename(temporary, target);
    await syncDirectory(dirname(target));
    return digest;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
