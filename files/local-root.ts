import { constants, type Dirent } from "node:fs";
import { type FileHandle, open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import type { ProtectedPlaces } from "./protected-places.ts";

/** A folder below which people name files: every such name is followed here, and nowhere else. */
export interface LocalRoot {
  /** Where a name leads, all links followed; or why it leads to nothing that may be read. */
  locate(name: string, kind?: "file" | "folder"): Promise<Located>;
  /**
   * Names that match, by name. `*` matches within one name and no leading dot. A folder that must not be looked into
   * stands for what it holds: `locate` says why.
   */
  expand(pattern: string): Promise<string[]>;
  /** Opens a file that was located and looks once more, at what was opened: between the two, a link may have been planted. */
  open(path: string): Promise<FileHandle>;
  /** What a located folder holds. */
  entries(path: string): Promise<Dirent[]>;
}

export type Located = { path: string } | Refusal;

export interface Refusal {
  /** What follows the name in a sentence. */
  refusal: string;
  missing: boolean;
}

export interface RootOptions {
  /** Null: there is none, and nothing is found. */
  folder: string | null;
  /** What people call it: the data root, the trainers' root. */
  title: string;
  protects: ProtectedPlaces;
  /**
   * Whether a name may begin with the root's own: `examples/data/a.csv` is then data/a.csv below a root called examples.
   * So names that were written when the root was the folder above go on to lead where they led.
   */
  answersToOwnName?: boolean;
}

/** It was found, and is no longer what was found. */
export class DisplacedError extends Error {}

/** A pattern that matches more names is a mistake. */
const mostNames = 10_000;

export function createLocalRoot(options: RootOptions): LocalRoot {
  return {
    locate: (name, kind = "file") => locate(options, name, kind),
    expand: (pattern) => expand(options, pattern),
    open: (path) => openFile(options, path),
    entries: (path) => entries(options, path),
  };
}

function refuse(refusal: string, missing = false): Refusal {
  return { refusal, missing };
}

async function rootPath({ folder }: RootOptions): Promise<string | null> {
  return folder === null ? null : realpath(folder).catch(() => null);
}

async function pathOf({ answersToOwnName = false }: RootOptions, root: string, name: string): Promise<string> {
  const [first = "", ...rest] = name.split("/");
  const isOwn = answersToOwnName && first === basename(root) && (await absent(join(root, first)));
  return join(root, isOwn ? rest.join(sep) : name);
}

/** Null: it may be read. `path` has no links, `root` neither. */
async function judge({ title, protects }: RootOptions, root: string, path: string): Promise<Refusal | null> {
  if (!isWithin(root, path)) return refuse(`leads out of ${title}`);
  return (await protects.holding(path)) === null
    ? null
    : refuse("leads to what is the instance's own, which no definition may read");
}

async function locate(options: RootOptions, name: string, kind: "file" | "folder"): Promise<Located> {
  const { folder, title } = options;
  const root = await rootPath(options);
  if (root === null) return refuse(`cannot be read: ${title} is not ${folder === null ? "set" : "there"}`, true);
  const named = await pathOf(options, root, name);
  // Whether something is there, out of the root, is nothing to be told either.
  if (!isWithin(root, resolve(named))) return refuse(`leads out of ${title}`);
  try {
    const path = await realpath(named);
    return (await judge(options, root, path)) ?? (await locatedAs(options, path, kind));
  } catch (error) {
    const code = codeOf(error);
    if (code === "EACCES" || code === "EPERM") return refuse("may not be read by the worker");
    if (!isAbsence(code)) throw error;
    return (await judgeNearest(options, root, named)) ?? refuse(`is not there, below ${title}`, true);
  }
}

async function locatedAs({ protects }: RootOptions, path: string, kind: "file" | "folder"): Promise<Located> {
  const found = await stat(path);
  if (kind === "folder") return found.isDirectory() ? { path } : refuse("is no folder");
  if (!found.isFile()) return refuse("is no file");
  if (found.nlink > 1 && (await protects.sharing(path)) !== null)
    return refuse("is another name of a file that is the instance's own");
  return { path };
}

/** What is not there is looked for in some folder that is. */
async function judgeNearest(options: RootOptions, root: string, named: string): Promise<Refusal | null> {
  for (let above = dirname(named); isWithin(root, above); above = dirname(above)) {
    const path = await realpath(above).catch(() => null);
    if (path !== null) return judge(options, root, path);
  }
  return null;
}

async function entries(options: RootOptions, path: string): Promise<Dirent[]> {
  const root = await rootPath(options);
  const resolved = await realpath(path);
  const refusal = root === null ? refuse("is not there") : await judge(options, root, resolved);
  if (refusal !== null) throw new DisplacedError(`${basename(path)} ${refusal.refusal}`);
  return readdir(resolved, { withFileTypes: true });
}

async function expand(options: RootOptions, pattern: string): Promise<string[]> {
  const root = await rootPath(options);
  if (root === null) return [];
  const refused: string[] = [];
  let names = [""];
  for (const segment of pattern.split("/")) {
    const next: string[] = [];
    for (const name of names) {
      if (!segment.includes("*")) {
        next.push(join(name, segment));
        continue;
      }
      const place = name === "" ? { path: root } : await locate(options, name, "folder");
      if ("path" in place)
        for (const entry of await entries(options, place.path))
          if (matches(segment, entry.name)) next.push(join(name, entry.name));
      if ("refusal" in place && !place.missing && place.refusal !== "is no folder") refused.push(name);
      if (next.length > mostNames) throw new Error(`${pattern} matches more than ${mostNames} names`);
    }
    names = next;
  }
  return [...refused, ...names].toSorted((a, b) => (a < b ? -1 : 1));
}

async function openFile(options: RootOptions, path: string): Promise<FileHandle> {
  const { protects } = options;
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const root = await rootPath(options);
    const [opened, lies] = await Promise.all([file.stat({ bigint: true }), stat(path, { bigint: true })]);
    const isSame = opened.dev === lies.dev && opened.ino === lies.ino && opened.isFile() && (await realpath(path)) === path;
    const isShared = opened.nlink > 1n && (await protects.sharing(path)) !== null;
    if (root === null || !isSame || isShared || (await judge(options, root, path)) !== null)
      throw new DisplacedError(`${basename(path)} was replaced while it was looked for`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** `*` stands for any letters but a slash; a name that begins with a dot is hidden. */
export function matches(segment: string, name: string): boolean {
  if (name.startsWith(".") || name.includes("/")) return false;
  const [first = "", ...rest] = segment.split("*");
  const last = rest.pop();
  if (last === undefined) return name === segment;
  if (!name.startsWith(first)) return false;
  // Each part where it first occurs: taking the earliest leaves the most for what follows, so nothing is tried twice.
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

async function absent(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    () => true,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** A loop of links, a name that is too long or that no file can have: there is no such file. */
function isAbsence(code: string): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"].includes(code);
}
