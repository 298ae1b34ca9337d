import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CountersignError } from "../domain/errors.ts";
import { type Digest, digestPattern } from "../domain/ids.ts";

/** Where an artifact lies: `<directory>/sha256/ab/<hex>`. Throws `invalid` for what is no digest. */
export function placeOf(directory: string, digest: Digest): string {
  // The digest becomes a file name: whatever is no digest must not reach the disk.
  if (!digestPattern.test(digest))
    throw new CountersignError("invalid", "This is no digest: sha256: and 64 hex digits are expected.");
  const hex = digest.slice("sha256:".length);
  return join(resolve(directory), "sha256", hex.slice(0, 2), hex);
}

/** The size of a file in bytes, or null when it is not there. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
