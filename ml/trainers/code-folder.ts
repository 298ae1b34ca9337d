import { createHash } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { digestOf } from "../../domain/digest.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import { DisplacedError, type LocalRoot } from "../../files/local-root.ts";

/** The folder of a command's own files, looked at file by file. */
export interface CodeFolder {
  bytes: number;
  files: number;
  /** SHA-256 over each file's path and bytes, in the order of the paths. */
  digest: string;
  /** Each file by its path with slashes, in that order. */
  entries: CodeFile[];
  /** The bytes of an entry. Throws `trainer-failed` when they are no longer those that were looked at. */
  read(entry: CodeFile): Promise<Buffer>;
}

export interface CodeFile {
  path: string;
  digest: Digest;
  executable: boolean;
}

const most = { files: 1000, bytes: 100 << 20 };

/**
 * Looks at a folder below the trainers' root. Throws `trainer-failed` where it is not there, leads to what must not be
 * read, holds a link or is too large: what is copied is what was digested.
 */
export async function readCodeFolder(root: LocalRoot, folder: string): Promise<CodeFolder> {
  const refuse = (cause: string) =>
    new CountersignError("trainer-failed", `train.files: ${folder} ${cause}.`, {
      faults: [{ path: "train.files", message: `${folder} ${cause}` }],
    });
  const located = await root.locate(folder, "folder");
  if ("refusal" in located) throw refuse(located.refusal);
  const { path } = located;
  try {
    const hash = createHash("sha256");
    const entries: CodeFile[] = [];
    let bytes = 0;
    for (const file of (await filesIn(root, path, refuse)).sort()) {
      const { content, executable } = await contentOf(root, file, (size) => {
        bytes += size;
        if (bytes > most.bytes) throw refuse(`holds more than ${most.bytes >> 20} MB`);
      });
      const name = relative(path, file).split(sep).join("/");
      hash.update(`${name}\0${content.length}\0`).update(content);
      entries.push({ path: name, digest: digestOf(content), executable });
    }
    return {
      bytes,
      files: entries.length,
      digest: `sha256:${hash.digest("hex")}`,
      entries,
      read: async (entry) => {
        const { content } = await contentOf(root, join(path, entry.path));
        if (digestOf(content) === entry.digest) return content;
        throw refuse(`was changed while the trainer ran (${entry.path}); train again`);
      },
    };
  } catch (error) {
    if (error instanceof DisplacedError) throw refuse(`holds something that must not be read: ${error.message}`);
    throw error;
  }
}

async function filesIn(root: LocalRoot, path: string, refuse: (cause: string) => CountersignError): Promise<string[]> {
  const files: string[] = [];
  const waiting = [path];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const entry of await root.entries(directory)) {
      const inside = join(directory, entry.name);
      if (entry.name === "__pycache__" || entry.name === ".git") continue;
      if (entry.isDirectory()) waiting.push(inside);
      else if (entry.isFile()) files.push(inside);
      else throw refuse(`holds ${relative(path, inside)}, which is no plain file`);
      if (files.length > most.files) throw refuse(`holds more than ${most.files} files`);
    }
  }
  return files;
}

async function contentOf(
  root: LocalRoot,
  path: string,
  onSize: (bytes: number) => void = () => undefined,
): Promise<{ content: Buffer; executable: boolean }> {
  const file = await root.open(path);
  try {
    const { size, mode } = await file.stat();
    onSize(size);
    return { content: await file.readFile(), executable: (mode & 0o100) !== 0 };
  } finally {
    await file.close();
  }
}

/** Copies it, readable for whoever the trainer runs as and writable for nobody else but us. */
export async function copyCode(code: CodeFolder, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of code.entries) {
    const target = join(to, entry.path);
    for (let folder = dirname(target); folder.length > to.length; folder = dirname(folder)) {
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o755);
    }
    await writeFile(target, await code.read(entry));
    await chmod(target, entry.executable ? 0o755 : 0o644);
  }
}
