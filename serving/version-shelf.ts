import type { VersionId } from "../domain/ids.ts";
import type { LoadedVersion } from "./loaded-version.ts";

/** The versions that are in memory. Loading twice at once is one load; a failed load is forgotten, so that the next try is a new one. */
export interface VersionShelf {
  get(version: VersionId): Promise<LoadedVersion>;
  has(version: VersionId): boolean;
  loaded(): VersionId[];
  /** Closes all but these, each after the work that it has under way. */
  keepOnly(versions: ReadonlySet<VersionId>): void;
  closeAll(): Promise<void>;
}

export function createVersionShelf(load: (version: VersionId) => Promise<LoadedVersion>): VersionShelf {
  const places = new Map<VersionId, { loading: Promise<LoadedVersion>; done: boolean }>();
  const closings = new Set<Promise<void>>();

  function get(version: VersionId): Promise<LoadedVersion> {
    const present = places.get(version);
    if (present !== undefined) return present.loading;
    const place = { loading: load(version), done: false };
    places.set(version, place);
    place.loading.then(
      () => (place.done = true),
      () => places.delete(version),
    );
    return place.loading;
  }

  function remove(version: VersionId): void {
    const place = places.get(version);
    if (place === undefined) return;
    places.delete(version);
    const closing = place.loading.then((loaded) => loaded.close()).catch(() => undefined);
    closings.add(closing);
    void closing.then(() => closings.delete(closing));
  }

  return {
    get,
    has: (version) => places.get(version)?.done === true,
    loaded: () => [...places].filter(([, { done }]) => done).map(([version]) => version),
    keepOnly: (versions) => {
      for (const [version, { done }] of places) if (done && !versions.has(version)) remove(version);
    },
    closeAll: async () => {
      for (const version of places.keys()) remove(version);
      await Promise.all(closings);
    },
  };
}
