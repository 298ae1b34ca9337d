import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { digestOf } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import { placeOf, sizeOf } from "./artifact-place.ts";

interface Elsewhere {
  /** Another directory of the same layout, looked into second. */
  beside?: string;
  /** Puts the bytes into the directory where they can be had; false where they cannot. */
  takeIn?: (digest: Digest) => Promise<boolean>;
}

/** Reads artifacts, and believes no byte that does not give the digest. */
export function createArtifactReader(directory: string, { beside, takeIn }: Elsewhere = {}) {
  /** Null where the store holds no such bytes. */
  async function find(digest: Digest): Promise<string | null> {
    const path = placeOf(directory, digest);
    if ((await sizeOf(path)) !== null) return path;
    const other = beside === undefined ? null : placeOf(beside, digest);
    if (other !== null && (await sizeOf(other)) !== null) return other;
    return takeIn !== undefined && (await takeIn(digest)) ? path : null;
  }

  async function has(digest: Digest): Promise<boolean> {
    return (await find(digest)) !== null;
  }

  /** Where the bytes lie, for readers that need a file. Throws `not-found`. The bytes are not looked at: see `verify`. */
  async function pathOf(digest: Digest): Promise<string> {
    const path = await find(digest);
    if (path === null) throw new CountersignError("not-found", `The artifact store holds no ${digest}.`);
    return path;
  }

  /** The bytes, checked against their digest. Throws `not-found`, `artifact-corrupt`. */
  async function get(digest: Digest): Promise<Buffer> {
    const bytes = await readFile(await pathOf(digest));
    if (digestOf(bytes) !== digest) throw corrupt(digest);
    return bytes;
  }

  async function getText(digest: Digest): Promise<string> {
    return (await get(digest)).toString("utf8");
  }

  /** The caller names the type: what lies under a digest that the product made has the shape it was given. */
  async function getJson<T>(digest: Digest): Promise<T> {
    return JSON.parse(await getText(digest)) as T;
  }

  /** Recomputes the digest as a stream. Throws `not-found`, `artifact-corrupt`. */
  async function verify(digest: Digest): Promise<void> {
    const hash = createHash("sha256");
    await pipeline(createReadStream(await pathOf(digest), { highWaterMark: 1 << 20 }), hash);
    if (`sha256:${hash.digest("hex")}` !== digest) throw corrupt(digest);
  }

  return { has, pathOf, get, getText, getJson, verify };
}

function corrupt(digest: Digest): CountersignError {
  return new CountersignError("artifact-corrupt", `The bytes under ${digest} are no longer those that were stored.`);
}
