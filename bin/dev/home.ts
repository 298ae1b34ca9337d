import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Where a development instance keeps its state. */
export interface Home {
  folder: string;
  /** Random, made once: marks the processes of this instance in their environment. */
  instance: string;
  artifacts: string;
  keys: string;
  logs: string;
  /** One file a running process: see process-records.ts. */
  processes: string;
  /** The database cluster, or a link to it. */
  postgres: string;
  temporalFile: string;
  path(name: string): string;
}

/** Makes the folder and what is always in it; `folder` may be relative to the working directory. */
export async function openHome(folder: string): Promise<Home> {
  const root = resolve(folder);
  // PostgreSQL runs as another user when we are root, and has to get through to its own folder.
  await mkdir(root, { recursive: true, mode: userInfo().uid === 0 ? 0o711 : 0o700 });
  const path = (name: string) => join(root, name);
  const home = {
    folder: root,
    artifacts: path("artifacts"),
    keys: path("keys"),
    logs: path("logs"),
    processes: path("processes"),
    postgres: path("postgres"),
    temporalFile: path("temporal.db"),
    path,
  };
  for (const folderInside of [home.artifacts, home.keys, home.logs, home.processes])
    await mkdir(folderInside, { recursive: true, mode: 0o700 });
  return { ...home, instance: await readOrMake(path("instance"), () => randomUUID()) };
}

/** The text of a private file, made once. */
export async function readOrMake(path: string, make: () => string): Promise<string> {
  const found = await readText(path);
  if (found !== null && found !== "") return found;
  const text = make();
  await writePrivate(path, text);
  return text;
}

/** The text of a file, or null when there is none. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** What a JSON file holds, or null when there is none or it is no JSON: state that can be made anew. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Writes a file that its owner alone may read, whole or not at all, on the disk before it returns. */
export async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const partial = `${path}.${process.pid}.partial`;
  const file = await open(partial, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(partial, 0o600);
  await rename(partial, path);
}
