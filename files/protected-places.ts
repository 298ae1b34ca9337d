import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/**
 * What is the instance's own, and nobody's data: its home (keys, tokens, database, logs), its artifact store, and
 * whatever else holds a secret. Definitions are other people's text, and they name files; no name leads here.
 *
 * Places are told by device and inode, not by how they are spelled: another case on a file system that does not tell
 * cases apart, a link, a second mount of the very folder are all the same place. The promise ends where the operator
 * mounts a part of a place, or a copy of it, below the root.
 */
export interface Place {
  path: string;
  /** The setting that says where it lies. */
  setting: string;
}

export interface ProtectedPlaces {
  /** The place that a file or folder is, or lies in; `path` is free of links. */
  holding(path: string): Promise<Place | null>;
  /** The place in which a file has another of its names. Throws where there are too many files to tell. */
  sharing(path: string): Promise<Place | null>;
}

/** Where the instance keeps what is its own, as its settings say. */
export interface InstanceSettings {
  COUNTERSIGN_HOME: string;
  COUNTERSIGN_ARTIFACTS?: string | undefined;
  COUNTERSIGN_EXCHANGE?: string | undefined;
  COUNTERSIGN_SIGNING_KEY_FILE?: string | undefined;
  COUNTERSIGN_VERIFY_KEY_FILE?: string | undefined;
  COUNTERSIGN_PROTECTED?: string[] | undefined;
}

/** What is protected, of all that the settings name: the one list. */
export function placesOf(settings: InstanceSettings): Place[] {
  const named = [
    "COUNTERSIGN_HOME",
    "COUNTERSIGN_ARTIFACTS",
    "COUNTERSIGN_EXCHANGE",
    "COUNTERSIGN_SIGNING_KEY_FILE",
    "COUNTERSIGN_VERIFY_KEY_FILE",
  ] as const;
  const others = settings.COUNTERSIGN_PROTECTED ?? [];
  return [
    ...named.flatMap((setting) => (settings[setting] === undefined ? [] : [{ path: settings[setting], setting }])),
    ...others.map((path) => ({ path, setting: "COUNTERSIGN_PROTECTED" })),
  ];
}

/** Looking for a second name of a file means looking at every file of every place: so many take a few seconds. */
const mostFiles = 200_000;
/** A search for thousands of files asks for the same few folders each time. */
const surveyedForMs = 1_000;

export function createProtectedPlaces(places: Place[]): ProtectedPlaces {
  let survey: { at: number; found: Promise<Map<string, Place>> } | null = null;

  function surveyed(): Promise<Map<string, Place>> {
    if (survey === null || performance.now() - survey.at > surveyedForMs)
      survey = { at: performance.now(), found: surveyOf(places).then(byIdentity) };
    return survey.found;
  }

  return {
    async holding(path) {
      const found = await surveyed();
      for (let folder = path; ; folder = dirname(folder)) {
        const place = found.get((await identityOf(folder)) ?? "");
        if (place !== undefined) return place;
        if (dirname(folder) === folder) return null;
      }
    },
    async sharing(path) {
      const wanted = await identityOf(path);
      let files = 0;
      for (const { place, path: top } of await surveyOf(places)) {
        const waiting = [top];
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
          const found = await lstat(next, { bigint: true }).catch(() => null);
          if (found === null) continue;
          if (`${found.dev}:${found.ino}` === wanted) return place;
          if (!found.isDirectory()) continue;
          const inside = await readdir(next);
          files += inside.length;
          if (files > mostFiles) throw new Error(`${place.setting} holds too many files to look for one among them`);
          for (const name of inside) waiting.push(join(next, name));
        }
      }
      return null;
    },
  };
}

interface Surveyed {
  place: Place;
  path: string;
}

/** The places that are there, and what links directly in them lead to: the home may have its database elsewhere. */
async function surveyOf(places: Place[]): Promise<Surveyed[]> {
  const found: Surveyed[] = [];
  for (const place of places) {
    const path = await realpath(place.path).catch(() => null);
    if (path === null) continue;
    found.push({ place, path });
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const target = entry.isSymbolicLink() ? await realpath(join(path, entry.name)).catch(() => null) : null;
      if (target !== null) found.push({ place, path: target });
    }
  }
  return found;
}

async function byIdentity(surveyed: Surveyed[]): Promise<Map<string, Place>> {
  const found = new Map<string, Place>();
  for (const { place, path } of surveyed) found.set((await identityOf(path)) ?? path, place);
  return found;
}

async function identityOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found === null ? null : `${found.dev}:${found.ino}`;
}

/**
 * Why the instance must not start with this root, or null: its own folder below it, or the root within one of its own.
 * The first is allowed where COUNTERSIGN_PROTECTED names the folder too, as a sign that somebody knows of it.
 */
export async function overlapOf(root: { path: string; setting: string }, places: Place[]): Promise<string | null> {
  const top = await realpath(root.path).catch(() => null);
  if (top === null) return null;
  const within = await createProtectedPlaces(places).holding(top);
  if (within !== null)
    return `${root.setting} (${root.path}) lies in what ${within.setting} names (${within.path}), which is the instance's own: name another folder, of data alone.`;
  const below = createProtectedPlaces([root]);
  const named = places.filter(({ setting }) => setting === "COUNTERSIGN_PROTECTED");
  const isKnown = async ({ path: own }: Place, path: string) =>
    named.some((one) => resolve(one.path) === resolve(own)) || (await createProtectedPlaces(named).holding(path)) !== null;
  const absent = await Promise.all(places.map(async (place) => ({ place, path: await nearestFolder(place.path) })));
  for (const { place, path } of [...(await surveyOf(places)), ...absent]) {
    if ((await below.holding(path)) === null || (await isKnown(place, path))) continue;
    return `${place.setting} (${place.path}) lies below ${root.setting} (${root.path}), from which definitions have files read: move one of the two; or name it in COUNTERSIGN_PROTECTED as well, and it is left out.`;
  }
  return null;
}

/** What is not there yet will lie in the nearest folder that is. */
async function nearestFolder(path: string): Promise<string> {
  for (let above = resolve(path); ; above = dirname(above)) {
    const found = await realpath(above).catch(() => null);
    if (found !== null) return found;
  }
}
