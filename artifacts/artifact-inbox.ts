import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import { placeOf } from "./artifact-place.ts";
import { writeArtifact } from "./artifact-writer.ts";

/**
 * Copies what the directory `inbox` holds under `digest` into the store; false where it holds nothing. Whoever writes
 * there is not trusted: only a plain file is read, and only bytes that give the digest are kept. Throws
 * `artifact-corrupt`.
 */
export async function takeIn({
  inbox,
  directory,
  digest,
}: {
  inbox: string;
  directory: string;
  digest: Digest;
}): Promise<boolean> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const source = await open(placeOf(inbox, digest), flags).catch(() => null);
  if (source === null) return false;
  try {
    if (!(await source.stat()).isFile()) return false;
    await writeArtifact(directory, async (file) => {
      const hash = createHash("sha256");
      const chunks: AsyncIterable<Buffer> = source.createReadStream({ highWaterMark: 1 << 20, autoClose: false });
      for await (const chunk of chunks) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      if (`sha256:${hash.digest("hex")}` !== digest)
        throw new CountersignError("artifact-corrupt", `What was handed in as ${digest} has another digest.`);
      return digest;
    });
    return true;
  } finally {
    await source.close();
  }
}
