import { createHash } from "node:crypto";
import { chmod, cp, lstat, readdir, readFile, realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { digestOf } from "../../domain/digest.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";

/** The folder of a command's own files, looked at file by file. */
export interface CodeFolder {
  path: string;
  bytes: number;
  files: number;
  /** SHA-256 over each file's path and bytes, in the order of the paths. */
  digest: string;
  /** Each file by its path with slashes, in that order. */
  entries: CodeFile[];
}

export interface CodeFile {
  path: string;
  digest: Digest;
  executable: boolean;
}

const most = { files: 1000, bytes: 100 << 20 };

/**
 * Looks at a folder below the trainers' root. Throws `trainer-failed` where it is not there, leads out of
 * the root, holds a link or is too large: what is copied is what was digested.
 */
export async function readCodeFolder(root: string, folder: string): Promise<CodeFolder> {
  const refuse = (cause: string) =>
    new CountersignError("trainer-failed", `train.files: ${folder} ${cause}.`, {
      faults: [{ path: "train.files", message: `${folder} ${cause}` }],
    });
  const base = await realpath(root);
  const path = await realpath(join(base, folder)).catch(() => null);
  if (path === null) throw refuse("is not there, below the trainers' root");
  if (!path.startsWith(base + sep)) throw refuse("leads out of the trainers' root");
  const files: string[] = [];
  const waiting = [path];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const inside = join(directory, entry.name);
      if (entry.name === "__pycache__" || entry.name === ".git") continue;
      if (entry.isDirectory()) waiting.push(inside);
      else if (entry.isFile()) files.push(inside);
      else throw refuse(`holds ${relative(path, inside)}, which is no plain file`);
      if (files.length > most.files) throw refuse(`holds more than ${most.files} files`);
    }
  }
  const hash = createHash("sha256");
  const entries: CodeFile[] = [];
  let bytes = 0;
  for (const file of files.sort()) {
    const { size, mode } = await lstat(file);
    bytes += size;
    if (bytes > most.bytes) throw refuse(`holds more than ${most.bytes >> 20} MB`);
    const content = await readFile(file);
    const name = relative(path, file).split(sep).join("/");
    hash.update(`${name}\0${content.length}\0`).update(content);
    entries.push({ path: name, digest: digestOf(content), executable: (mode & 0o100) !== 0 });
  }
  return { path, bytes, files: files.length, digest: `sha256:${hash.digest("hex")}`, entries };
}

/** Copies it, readable for whoever the trainer runs as and writable for nobody else but us. */
export async function copyCode({ path }: CodeFolder, to: string): Promise<void> {
  await cp(path, to, { recursive: true, filter: (source) => !/(^|[\\/])(__pycache__|\.git)$/.test(source) });
  await chmod(to, 0o755);
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    const inside = join(entry.parentPath, entry.name);
    const { mode } = await lstat(inside);
    await chmod(inside, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
