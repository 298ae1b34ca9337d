import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { digestOf } from "../domain/digest.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { TrainingFiles } from "../domain/stage-results.ts";
import { createLocalRoot } from "../files/local-root.ts";
import { createProtectedPlaces } from "../files/protected-places.ts";
import { type CodeFolder, readCodeFolder } from "../ml/trainers/code-folder.ts";
import { jobFiles } from "../ml/trainers/job-contract.ts";
import { jobText } from "../ml/trainers/job-folder.ts";
import type { TrainingJob } from "./train-job.ts";

const codePrefix = `${jobFiles.code}/`;

/**
 * Puts on record, file by file, what a trainer was given and what it made, so that a second run of it can be
 * compared. A command's own files are kept whole: the folder that they came from may change.
 */
export async function keepTrainingFiles(
  store: ArtifactStore,
  { prepared, code, model }: { prepared: TrainingJob; code: CodeFolder | null; model: Digest },
): Promise<Digest> {
  const { job, trainData, trainDigest, validationData } = prepared;
  const files: TrainingFiles = {
    [jobFiles.job]: { digest: digestOf(jobText(job)) },
    [jobFiles.train]: { digest: trainDigest ?? (await digestOfFile(trainData)) },
    [jobFiles.model]: { digest: model },
  };
  if (validationData !== null) files[jobFiles.validation] = { digest: await digestOfFile(validationData) };
  for (const entry of code?.entries ?? []) {
    const { path, digest, executable } = entry;
    await store.put((await code?.read(entry)) ?? "");
    files[codePrefix + path] = { digest, ...(executable && { executable }) };
  }
  return store.putJson(files);
}

/** Lays out a command's own files as they were recorded, in `folder`; null where there were none. */
export async function restoreCode(store: ArtifactStore, files: TrainingFiles, folder: string): Promise<CodeFolder | null> {
  const own = Object.entries(files).filter(([path]) => path.startsWith(codePrefix));
  if (own.length === 0) return null;
  const root = join(folder, jobFiles.code);
  for (const [path, { digest, executable }] of own) {
    const place = join(folder, path);
    if (!place.startsWith(root + sep)) throw new CountersignError("artifact-corrupt", `${path} leads out of the job folder.`);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, await store.get(digest));
    if (executable === true) await chmod(place, 0o755);
  }
  return readCodeFolder(createLocalRoot({ folder, title: "the job folder", protects: createProtectedPlaces([]) }), jobFiles.code);
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return `sha256:${hash.digest("hex")}`;
}
