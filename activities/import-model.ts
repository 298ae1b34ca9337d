import { CountersignError } from "../domain/errors.ts";
import { mostReferenceBytes } from "../domain/reference-predictions.ts";
import type { TrainResult } from "../domain/stage-results.ts";
import type { TrainDefinition } from "../domain/train-schema.ts";
import type { LocalRoot } from "../files/local-root.ts";
import { defaultModelLimitBytes } from "../ml/onnx/model-bytes.ts";
import { checkReference } from "../ml/onnx/reference-predictions.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import type { CommandDependencies } from "./train-command.ts";
import type { TrainingJob } from "./train-job.ts";
import { inspectTrained, kilobytes, type RunDependencies } from "./train-run.ts";

/**
 * A model that was trained elsewhere takes the place of training: its bytes are read, inspected on the
 * release's own data and kept; what was declared of its origin goes on record as declared, not as known.
 * Throws `model-refused`.
 */
export async function readImported(
  { store, trainersRoot }: RunDependencies & CommandDependencies,
  prepared: TrainingJob,
  tools: StageTools,
): Promise<TrainResult> {
  const { train, job } = prepared;
  const { model, origin } = train;
  if (model === undefined || origin === undefined)
    throw new CountersignError(
      "model-refused",
      "train.model and train.origin must say which model it is and where it comes from.",
    );
  tools.progress("reading the model from elsewhere");
  const began = performance.now();
  const bytes = "digest" in model ? await store.get(model.digest) : await readModelFile(trainersRoot, model.file);
  tools.progress("inspecting the model");
  await inspectTrained(bytes, prepared, { signal: tools.signal });
  const compared = train.reference === undefined ? null : await compareReference(trainersRoot, { train, bytes, prepared });
  const declared = declaredOf(origin);
  const log = [
    `A model that was trained elsewhere: ${"digest" in model ? model.digest : model.file}, ${bytes.byteLength} bytes.`,
    ...declared.map(([name, value]) => `Declared ${name}: ${value}`),
    "Its inputs and output fit the features; it answers as a model of this task must.",
    compared ?? "No reference predictions were given: whether it answers as it did where it was trained is not known.",
  ].join("\n");
  return {
    summary: `Trained elsewhere by ${origin.trainedBy} with ${origin.framework}, as declared: ${kilobytes(bytes.byteLength)} of ONNX on ${job.features.length} features. ${compared ?? "No reference predictions to compare it with."}`,
    model: await store.put(bytes),
    log: await store.put(`${log}\n`),
    trainer: "import",
    seed: job.seed,
    parameters: {},
    environment: Object.fromEntries(declared.map(([name, value]) => [`declared ${name}`, value.slice(0, 300)])),
    durationMs: Math.round(performance.now() - began),
    modelBytes: bytes.byteLength,
    origin: Object.fromEntries(declared),
  };
}

function declaredOf(origin: NonNullable<TrainDefinition["origin"]>): [string, string][] {
  return Object.entries(origin).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

async function compareReference(
  root: LocalRoot | undefined,
  { train, bytes, prepared }: { train: TrainDefinition; bytes: Uint8Array; prepared: TrainingJob },
): Promise<string> {
  const file = train.reference ?? "";
  const text = await readBelow(root, { file, path: "train.reference", mostBytes: mostReferenceBytes });
  const { rows, largest } = await checkReference(text.toString("utf8"), { ...prepared, bytes });
  return `It answers ${rows} reference rows as it did where it was trained (largest difference ${largest.toExponential(1)}).`;
}

function readModelFile(root: LocalRoot | undefined, file: string): Promise<Buffer> {
  return readBelow(root, { file, path: "train.model.file", mostBytes: defaultModelLimitBytes });
}

async function readBelow(
  root: LocalRoot | undefined,
  { file, path: field, mostBytes }: { file: string; path: string; mostBytes: number },
): Promise<Buffer> {
  const refuse = (cause: string) =>
    new CountersignError("model-refused", `${field}: ${file} ${cause}.`, {
      faults: [{ path: field, message: `${file} ${cause}` }],
    });
  if (root === undefined) throw refuse("cannot be read: this worker has no trainers' root");
  const located = await root.locate(file);
  if ("refusal" in located) throw refuse(located.refusal);
  const handle = await root.open(located.path);
  try {
    const { size } = await handle.stat();
    if (size > mostBytes) throw refuse(`has ${size} bytes; ${mostBytes} are allowed`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
