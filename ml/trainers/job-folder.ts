import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CountersignError } from "../../domain/errors.ts";
import { type CodeFolder, copyCode } from "./code-folder.ts";
import { jobFiles, type TrainJob } from "./job-contract.ts";

export interface JobFolderInput {
  jobsDirectory: string;
  release: string;
  job: TrainJob;
  /** Copied: a trainer must not hold a link to the store's bytes. */
  trainData: string;
  /** The rows set apart, copied as well. */
  validationData?: string | null;
  /** A command's own files. */
  code?: CodeFolder | null;
  /** True where a worker of another user shares the folder: its name, which nobody can guess, is then what keeps others out. */
  openToOthers?: boolean;
}

/** A private folder for one attempt. Its name cannot be guessed, and the folder above lists nothing to others. */
export async function createJobFolder({
  jobsDirectory,
  release,
  job,
  trainData,
  validationData = null,
  code = null,
  openToOthers = false,
}: JobFolderInput): Promise<{ name: string; path: string }> {
  await mkdir(jobsDirectory, { recursive: true });
  await chmod(jobsDirectory, openToOthers ? 0o711 : 0o700);
  const name = `${release}~${randomUUID()}`;
  const path = join(jobsDirectory, name);
  await mkdir(path, { mode: 0o700 });
  await copyFile(trainData, join(path, jobFiles.train), constants.COPYFILE_FICLONE);
  await writeFile(join(path, jobFiles.job), jobText(job));
  const files = [join(path, jobFiles.train), join(path, jobFiles.job)];
  if (validationData !== null) {
    const validation = join(path, jobFiles.validation);
    await copyFile(validationData, validation, constants.COPYFILE_FICLONE);
    files.push(validation);
  }
  // Another user may read them, who gets at them through the isolation or through an open folder alone.
  for (const file of files) await chmod(file, 0o644);
  if (openToOthers) await chmod(path, 0o777);
  if (code !== null) await copyCode(code, join(path, jobFiles.code));
  return { name, path };
}

/** What `job.json` holds. */
export function jobText(job: TrainJob): string {
  return JSON.stringify(job, null, 2);
}

const mostFiles = 10_000;

/** Bytes of all that lies in the folder; infinite when there are too many files to count. Never rejects. */
export async function writtenBytes(folder: string): Promise<number> {
  let bytes = 0;
  let files = 0;
  const waiting = [folder];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    // A file or folder may go while it is being looked at.
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      files += 1;
      if (files > mostFiles) return Number.POSITIVE_INFINITY;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else
        bytes += await lstat(path).then(
          ({ size }) => size,
          () => 0,
        );
    }
  }
  return bytes;
}

/**
 * Reads what a trainer wrote. It may have planted a link to a file of ours, or a pipe that never
 * ends: only a plain file with one name is read. Null when it is not there; throws `model-refused`.
 */
export async function readOutput(folder: string, name: string, limitBytes: number): Promise<Buffer | null> {
  const refuse = (cause: string) => new CountersignError("model-refused", `The trainer's ${name} ${cause}.`);
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ENOENT") return null;
    if (code === "ELOOP" || code === "ENXIO" || code === "ENODEV") throw refuse("isn't a plain file");
    // It can take away its own rights to what it wrote.
    if (code === "EACCES" || code === "ENOTDIR") throw refuse("cannot be read");
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.nlink !== 1) throw refuse("isn't a plain file");
    if (stat.size > limitBytes) throw refuse(`has ${stat.size} bytes; ${limitBytes} are allowed`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
