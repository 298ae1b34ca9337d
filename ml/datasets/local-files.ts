import { CountersignError } from "../../domain/errors.ts";
import { DisplacedError, type LocalRoot } from "../../files/local-root.ts";
import type { Brought } from "./offers.ts";

/** A file changed less than this ago may change again without another time of change (file systems count in up to 2 s). */
const settledMs = 2_000;

/**
 * A local file is read where it lies, through the handle by which it was looked at. Size, times of change and inode
 * tell whether it is the file that was read before; one that changed just now is trusted to nobody.
 */
export async function bringLocal(root: LocalRoot, file: { name: string; path: string }, known: string | null): Promise<Brought> {
  const handle = await root.open(file.path).catch((cause: unknown) => {
    if (cause instanceof DisplacedError)
      throw new CountersignError("source-unreadable", `${file.name} was replaced while it was looked for.`, { cause });
    throw cause;
  });
  try {
    const found = await handle.stat({ bigint: true });
    const fingerprint = `${found.size}:${found.mtimeNs}:${found.ctimeNs}:${found.ino}`;
    const settled = Date.now() - Number(found.ctimeMs) > settledMs && Date.now() - Number(found.mtimeMs) > settledMs;
    if (!settled || fingerprint !== known) return { unchanged: false, file: handle, fingerprint: settled ? fingerprint : null };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return { unchanged: true };
}
