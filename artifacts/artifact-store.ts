import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { canonicalJson } from "../domain/canonical-json.ts";
import { digestOf } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import { type Digest, digestPattern } from "../domain/ids.ts";

/**
 * Bytes by their SHA-256, in `<directory>/sha256/ab/<hex>`. A file appears under its name only
 * when it is whole and on disk, and never changes afterwards; any number of processes may put
 * the same bytes at once. A later store (S3) has the same functions.
 */
export type ArtifactStore = ReturnType<typeof createArtifactStore>;

export function createArtifactStore({ directory }: { directory: string }) {
  const root = resolve(directory, "sha256");
  const incoming = resolve(directory, "incoming");

  function place(digest: Digest): string {
    // The digest becomes a file name: whatever is no digest must not reach the disk.
    if (!digestPattern.test(digest))
      throw new CountersignError(
        "invalid",
        "This is no digest: sha256: and 64 hex digits are expected.",
      );
    const hex = digest.slice("sha256:".length);
    return join(root, hex.slice(0, 2), hex);
  }

  async function incomingPath(): Promise<string> {
    await mkdir(incoming, { recursive: true });
    return join(incoming, `${process.pid}-${randomUUID()}`);
  }

  /** Gives a whole, synced file its name. `rename` replaces in one step: equal bytes by equal bytes, or damaged ones by whole ones. */
  async function settle(temporary: string, digest: Digest): Promise<void> {
    const target = place(digest);
    await mkdir(dirname(target), { recursive: true });
    await chmod(temporary, 0o444);
    await rename(temporary, target);
    await syncDirectory(dirname(target));
  }

  async function has(digest: Digest): Promise<boolean> {
    return (await sizeOf(place(digest))) !== null;
  }

  /** Stores bytes or a UTF-8 string; the same bytes again are no work. */
  async function put(content: Uint8Array | string): Promise<Digest> {
    const digest = digestOf(content);
    const bytes = typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
    // The size is compared so that an artifact cut short by a failing disk is not taken for whole.
    if ((await sizeOf(place(digest))) === bytes) return digest;
    const temporary = await incomingPath();
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await settle(temporary, digest);
    return digest;
  }

  /** Copies a file into the store as a stream, in bounded memory; the digest is of the bytes that were copied. */
  async function putFile(path: string): Promise<{ digest: Digest; bytes: number }> {
    const temporary = await incomingPath();
    const hash = createHash("sha256");
    let bytes = 0;
    const file = await open(temporary, "wx");
    try {
      await pipeline(
        createReadStream(path, { highWaterMark: 1 << 20 }),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            bytes += chunk.length;
            yield chunk;
          }
        },
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) await file.writeFile(chunk);
        },
      );
      await file.sync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    const digest: Digest = `sha256:${hash.digest("hex")}`;
    await settle(temporary, digest);
    return { digest, bytes };
  }

  /** Stores the canonical JSON (RFC 8785) of a value, so that equal values have one digest. */
  async function putJson(value: unknown): Promise<Digest> {
    return put(canonicalJson(value));
  }

  /** Where the bytes lie, for readers that need a file. Throws `not-found`. Not checked: see `verify`. */
  async function pathOf(digest: Digest): Promise<string> {
    const path = place(digest);
    if ((await sizeOf(path)) === null) throw notFound(digest);
    return path;
  }

  /** The bytes, checked against their digest. Throws `not-found`, `artifact-corrupt`. */
  async function get(digest: Digest): Promise<Buffer> {
    const path = await pathOf(digest);
    const bytes = await readFile(path);
    if (digestOf(bytes) !== digest) throw corrupt(digest);
    return bytes;
  }

  async function getText(digest: Digest): Promise<string> {
    return (await get(digest)).toString("utf8");
  }

  /** The caller names the type: what lies under a digest that the product made has the shape it was given. */
  async function getJson<T>(digest: Digest): Promise<T> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the digest proves who wrote it
    return JSON.parse(await getText(digest)) as T;
  }

  /** Recomputes the digest as a stream. Throws `not-found`, `artifact-corrupt`. */
  async function verify(digest: Digest): Promise<void> {
    const hash = createHash("sha256");
    await pipeline(createReadStream(await pathOf(digest), { highWaterMark: 1 << 20 }), hash);
    if (`sha256:${hash.digest("hex")}` !== digest) throw corrupt(digest);
  }

  /** Whether the store can be written and read now; throws `unavailable` with the reason. */
  async function checkHealth(): Promise<void> {
    try {
      const probe = await incomingPath();
      const file = await open(probe, "wx");
      await file.writeFile("probe");
      await file.sync();
      await file.close();
      const text = await readFile(probe, "utf8");
      await rm(probe);
      if (text !== "probe") throw new Error("what was written reads back otherwise");
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
      throw new CountersignError(
        "unavailable",
        `The artifact store cannot be written (${reason}).`,
        { cause: error },
      );
    }
  }

  return { put, putFile, putJson, get, getText, getJson, pathOf, verify, has, checkHealth };
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
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

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function notFound(digest: Digest): CountersignError {
  return new CountersignError("not-found", `The artifact store holds no ${digest}.`);
}

function corrupt(digest: Digest): CountersignError {
  return new CountersignError(
    "artifact-corrupt",
    `The bytes under ${digest} are no longer those that were stored.`,
  );
}
