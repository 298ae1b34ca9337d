import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { FeatureSpec, StageContext } from "../domain/stage-results.ts";
import type { LabelSpec } from "../domain/task.ts";
import type { TrainDefinition } from "../domain/train-schema.ts";
import { jobFiles, type TrainJob } from "../ml/trainers/job-contract.ts";
import { type ValidationSplit, splitTrainingRows } from "../ml/trainers/validation-split.ts";

export type TrainInput = StageContext & { spec: Digest; train: Digest };

/** A training job, ready to be put into a folder, with what belongs to it. */
export interface TrainingJob {
  train: TrainDefinition;
  job: TrainJob;
  features: FeatureSpec["features"];
  label: LabelSpec;
  limits: TrainDefinition["limits"];
  /** Paths of Parquet files. */
  trainData: string;
  validationData: string | null;
  /** Of `trainData`, where it is the whole artifact; null of a part that was split off. */
  trainDigest: Digest | null;
}

/** What a search sets apart where the definition does not say. */
const standardValidation = { share: 0.2, by: "random" } as const;

/** It becomes part of a folder's name, and comes over Temporal: it leads nowhere but into the folder of jobs. */
export function demandName(name: string): string {
  if (/^[\w.+~-]+$/.test(name) && !name.startsWith(".")) return name;
  throw new CountersignError("trainer-failed", `${JSON.stringify(name)} is no name of a release or a job.`);
}

/** The train section with what this release changes of it. */
export async function readTrainSection(store: ArtifactStore, input: StageContext) {
  const definition = await store.getJson<ResolvedDefinition>(input.definition);
  const { train } = definition;
  return {
    definition,
    train: {
      ...train,
      seed: input.parameters.seed ?? train.seed,
      parameters: { ...train.parameters, ...input.parameters.train },
      limits: { ...train.limits, ...input.parameters.limits },
    },
  };
}

/**
 * The job of a release. `scratch` is a folder for the parts of a split; `trial` asks for the split of a
 * search, whatever the trainer itself would need.
 */
export async function readTrainingJob(
  store: ArtifactStore,
  input: TrainInput,
  { scratch, trial }: { scratch: string; trial: boolean },
): Promise<TrainingJob & { heldOut: string | null }> {
  demandName(input.release);
  const { definition, train } = await readTrainSection(store, input);
  const spec = await store.getJson<FeatureSpec>(input.spec);
  const label = spec.label ?? { task: "binary" as const };
  await store.verify(input.train);
  const path = await store.pathOf(input.train);
  const stopsEarly = train.earlyStopping !== undefined;
  const needsSplit = trial || stopsEarly || train.validation !== undefined;
  const split = needsSplit
    ? await splitOrRefuse(path, { ...(train.validation ?? standardValidation), seed: train.seed }, scratch)
    : null;
  // A trial is judged on rows that its trainer does not see, unless it needs them to end early.
  const seen = split !== null && (stopsEarly || (!trial && train.validation !== undefined));
  const job: TrainJob = {
    contract: 1,
    train: jobFiles.train,
    validation: seen ? jobFiles.validation : null,
    features: spec.features,
    label: "label",
    task: label.task,
    classes: label.task === "multiclass" ? label.classes : null,
    seed: train.seed,
    parameters: train.parameters,
    earlyStoppingRounds: train.earlyStopping?.rounds ?? null,
    monotone: train.monotone ?? {},
    classWeights: classWeightsOf(train.classWeights, label, definition.label.name),
    limits: train.limits,
  };
  return {
    train,
    job,
    features: spec.features,
    label,
    limits: train.limits,
    trainData: split?.train ?? path,
    validationData: seen ? split.validation : null,
    trainDigest: split === null ? input.train : null,
    heldOut: split?.validation ?? null,
  };
}

async function splitOrRefuse(path: string, split: ValidationSplit, scratch: string) {
  try {
    return await splitTrainingRows(path, split, scratch);
  } catch (error) {
    if (error instanceof RangeError)
      throw new CountersignError("too-few-rows", `train.validation: ${error.message}`, { cause: error });
    throw error;
  }
}

function classWeightsOf(
  wanted: TrainDefinition["classWeights"],
  label: LabelSpec,
  positive: string,
): "balanced" | number[] | null {
  if (wanted === undefined) return null;
  if (label.task === "regression") throw refused("train.classWeights", "a regression has no classes");
  if (wanted === "balanced") return wanted;
  const classes = label.task === "multiclass" ? label.classes : ["negative", positive];
  const unknown = Object.keys(wanted).find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw refused(`train.classWeights.${unknown}`, `is no class; the classes are ${classes.slice(0, 20).join(", ")}`);
  return classes.map((name) => wanted[name] ?? 1);
}

function refused(path: string, message: string): CountersignError {
  return new CountersignError("trainer-failed", `${path}: ${message}.`, { faults: [{ path, message }] });
}
