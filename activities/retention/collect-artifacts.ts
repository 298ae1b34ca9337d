import type { ArtifactSweep } from "../../artifacts/artifact-sweep.ts";
import type { Db } from "../../db/database.ts";
import { readHeld } from "../../db/legal-holds.ts";
import { eachNamedDigest, noteUnreachable } from "../../db/named-artifacts.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Removed } from "../../domain/retention.ts";
import type { StageTools } from "../../ml/stage-tools.ts";

const dayMs = 24 * 60 * 60_000;

/**
 * Removes artifacts that nothing names: no row of the database, and no artifact that a row leads to. One goes only when
 * it was found so on two looks that lie `days` apart, and was not put again in between: work that is under way
 * names what it made within a day. While any model is on hold none goes, because what nothing names cannot be told to be
 * of another model.
 */
export async function collectArtifacts(
  { db, sweep }: { db: Db; sweep: ArtifactSweep },
  days: number,
  { signal, progress }: StageTools,
): Promise<Removed> {
  if ((await readHeld(db)).length > 0) return {};
  const before = Date.now() - days * dayMs;
  await sweep.clearIncoming(before);
  progress("lists the artifacts");
  const artifacts = await sweep.list();
  progress("reads which of them the database names");
  const reached = new Set<Digest>();
  const reach = (digest: Digest) => void (artifacts.has(digest) && reached.add(digest));
  await eachNamedDigest(db, reach, signal);
  // A set that grows while it is walked is walked to its end.
  for (const digest of reached) {
    signal.throwIfAborted();
    for (const named of await sweep.namedIn(digest)) reach(named);
  }
  const unreachable = [...artifacts]
    .filter(([digest, { putAt }]) => !reached.has(digest) && putAt < before)
    .map(([digest]) => digest);
  const removed = { artifacts: 0, artifactBytes: 0 };
  for (const digest of await noteUnreachable(db, unreachable, days)) {
    signal.throwIfAborted();
    const bytes = await sweep.remove(digest, before);
    if (bytes === null) continue;
    removed.artifacts += 1;
    removed.artifactBytes += bytes;
  }
  return removed.artifacts === 0 ? {} : removed;
}
