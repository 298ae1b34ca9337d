import type { FileHandle } from "node:fs/promises";
import type { Digest } from "../domain/ids.ts";

/** What data and feature code needs of an artifact store (artifacts/artifact-store.ts has it, and more). */
export interface ArtifactAccess {
  /** Of a file by its path, or of one that is open (which stays open). */
  putFile(file: string | FileHandle): Promise<{ digest: Digest; bytes: number }>;
  putJson(value: unknown): Promise<Digest>;
  getJson<T>(digest: Digest): Promise<T>;
  pathOf(digest: Digest): Promise<string>;
  /** Throws `artifact-corrupt` when the bytes are no longer those of the digest. */
  verify(digest: Digest): Promise<void>;
}

/** The path of an artifact whose bytes were just found to be right. */
export async function verifiedPath(store: ArtifactAccess, digest: Digest): Promise<string> {
  await store.verify(digest);
  return store.pathOf(digest);
}
