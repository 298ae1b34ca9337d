import type { Logger } from "pino";
import type { Digest, VersionId } from "../domain/ids.ts";
import type { ReferenceProfile } from "../domain/evidence.ts";
import type { LoadedVersion } from "./loaded-version.ts";

const everyMs = 2_000;
/** After so many looks in vain (a monitor stage that is blocked) only each so many-th look asks again. */
const eagerLooks = 30;

/**
 * Gives the versions that serve their reference profile, without which no answer says what training never saw. The
 * profile is kept by the stage after the deployment, so it comes some seconds after the version; until then, and while
 * the database or the store is away, answers carry no warnings.
 */
export function createProfileKeeper({
  serving,
  read,
  logger,
}: {
  serving(): LoadedVersion[];
  /** Null where there is none yet. */
  read(version: VersionId): Promise<{ digest: Digest; profile: ReferenceProfile } | null>;
  logger: Logger;
}): { look(): Promise<void>; stop(): void } {
  const looks = new WeakMap<LoadedVersion, number>();
  let looking = false;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      for (const loaded of serving()) {
        const tried = looks.get(loaded) ?? 0;
        looks.set(loaded, tried + 1);
        if (loaded.knowsProfile() || (tried >= eagerLooks && tried % eagerLooks !== 0)) continue;
        const found = await read(loaded.version);
        if (found === null) continue;
        loaded.knowProfile(found.profile);
        logger.info({ version: loaded.version, profile: found.digest }, `${loaded.version} knows what its training saw`);
      }
    } catch (error) {
      logger.warn({ err: error }, "a reference profile could not be read; answers say nothing of unseen values until it is");
    } finally {
      looking = false;
    }
  }

  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}
