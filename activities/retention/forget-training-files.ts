import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createArtifactSweep } from "../../artifacts/artifact-sweep.ts";

const dayMs = 24 * 60 * 60_000;
/** A training ends within 25 hours: an older folder was left behind by a worker that died. */
const jobFolderMs = 7 * dayMs;
/** What others asked for was taken in by then, a copy. */
const outboxMs = 30 * dayMs;
/** As job-folder.ts names them: the release, and what nobody can guess. */
const jobFolder = /~[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the training worker, which has no database, removes by age alone: job folders left behind, and its outbox. Never rejects. */
export async function forgetTrainingFiles({ folders, outbox }: { folders: string[]; outbox: string | undefined }): Promise<void> {
  const now = Date.now();
  for (const folder of folders)
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const facts = jobFolder.test(name) ? await stat(path).catch(() => null) : null;
      // One that another user owns is left to whoever runs the machine.
      if (facts !== null && now - facts.mtimeMs > jobFolderMs)
        await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  if (outbox === undefined) return;
  const sweep = createArtifactSweep(outbox);
  const handedIn = await sweep.list().catch(() => new Map<never, never>());
  for (const digest of handedIn.keys()) await sweep.remove(digest, now - outboxMs).catch(() => null);
  await sweep.clearIncoming(now - jobFolderMs).catch(() => undefined);
}
