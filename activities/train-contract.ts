import type { Digest, ReleaseId } from "../domain/ids.ts";
import type { ModelsCompared } from "../domain/reproduction.ts";
import type { SearchTrial, StageContext, TrainResult } from "../domain/stage-results.ts";
import type { SearchMetric } from "../domain/train-schema.ts";

/** The part of the contract (contract.ts) that is about training: what runs on the queue `train`, and on foreign ones. */
export interface TrainActivities {
  train(input: TrainingInput & { search?: SearchFound }): Promise<TrainResult>;
  /** How the workflow is to train: where, and with which points of a search. */
  planTraining(input: TrainingInput): Promise<TrainingPlan>;
  /** One point of a search, judged on validation rows. */
  tryParameters(input: TrainingInput & { trial: TrialWanted }): Promise<SearchTrial>;
  /** Lays out the job folder of a foreign trainer, where its worker sees it. */
  prepareJob(input: TrainingInput): Promise<ForeignJob>;
  /** Takes what a foreign trainer wrote. */
  collectJob(input: ForeignWork): Promise<TrainResult>;
  /** Trains once more what a version was trained of, and nothing beside it. */
  trainAgain(input: TrainingAgain): Promise<TrainResult>;
  /** What two trainings of the same differ in: files, graphs, and what that means on the holdout. */
  compareTrainings(input: TrainingsToCompare): Promise<ModelsCompared>;
}

export type ForeignWork = TrainingInput & {
  job: string;
  taskQueue: string;
  durationMs: number;
  /** True where no baseline is to be trained beside it. */
  alone?: boolean;
};

/** `release` names the job folder, and is none of a release. */
export type TrainingAgain = TrainingInput & {
  /** TrainingFiles of the first training, whose code is used; null where it kept none. */
  files: Digest | null;
};

export interface TrainingsToCompare {
  recorded: { onnx: Digest; files: Digest | null };
  now: { onnx: Digest; files: Digest | null };
  /** FeatureSpec of both. */
  spec: Digest;
  holdout: Digest | null;
}

/** What a worker on a foreign task queue does; in any language (examples/python-trainer). */
export interface ForeignTrainActivities {
  train(job: ForeignJob): Promise<unknown>;
}

export interface ForeignJob {
  contract: 1;
  release: ReleaseId;
  /** Name of the job folder in the exchange. */
  job: string;
  /** Its path as the engine sees it. */
  folder: string;
}

export type TrainingInput = StageContext & { spec: Digest; train: Digest };

export interface TrainingPlan {
  /** The Temporal task queue of a foreign trainer. */
  taskQueue: string | null;
  /** What training may take. */
  minutes: number;
  search: {
    metric: SearchMetric;
    parallel: number;
    /** No trial begins after so long. */
    minutes: number | null;
    points: SearchTrial["parameters"][];
  } | null;
}

export interface TrialWanted {
  number: number;
  parameters: SearchTrial["parameters"];
  metric: SearchMetric;
}

export interface SearchFound {
  metric: SearchMetric;
  trials: SearchTrial[];
  chosen: number;
  /** Points that were to be tried, had there been time. Absent in searches that began before it was told. */
  planned?: number;
}
