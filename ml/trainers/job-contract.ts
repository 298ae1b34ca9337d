import type { Task } from "../../domain/task.ts";

/**
 * The contract of files between the engine and a trainer; docs/trainers.md is its text. The trainer's
 * working directory is its job folder; it finds `job.json` there, writes `model.onnx` (and, if it
 * likes, `result.json`), tells its progress line by line on stdout or stderr and ends with exit code 0.
 * Paths in the job are relative to the folder. Its stdin is a pipe that ends when the engine dies.
 * Within contract 1 members are added and never changed: a trainer leaves alone what it does not know.
 */
export interface TrainJob {
  contract: 1;
  /** Parquet with `row_id`, one column a feature and the label. */
  train: string;
  /** Parquet of the same columns: rows set apart for early stopping; null where nobody asked for them. */
  validation?: string | null;
  features: { name: string; type: "float" | "string" }[];
  /** Name of the label's column: binary 0 or 1, multiclass the index into `classes`, regression a number. */
  label: string;
  /** Binary where it is left out. */
  task?: Task;
  /** Of a multiclass label, in the order of its indices and of the model's probabilities. */
  classes?: string[] | null;
  seed: number;
  parameters: Record<string, number | string | boolean>;
  /** Rounds without getting better on the validation rows, after which training ends. */
  earlyStoppingRounds?: number | null;
  /** Features in which the prediction may only rise or only fall. */
  monotone?: Record<string, "increasing" | "decreasing">;
  /** `balanced`, or one weight a class in the order of their indices (binary: negative, positive). */
  classWeights?: "balanced" | number[] | null;
  /** What it may use; it is ended when it takes more. */
  limits?: { minutes: number; memoryMb: number; outputMb: number };
}

/** What a trainer may say about its work. */
export interface TrainerReport {
  /** Versions of what made the model, by name. */
  environment: Record<string, string>;
  /** A sentence for a person. */
  summary?: string;
  /** Numbers on the training data, by name. */
  metrics?: Record<string, number>;
  iterations?: number;
  /**
   * What the trained model says of the first rows of `train` (20 at most), row by row as the ONNX model's
   * output has it (binary: the positive's probability): the engine compares, and refuses a model that lost
   * something on its way to ONNX.
   */
  predictions?: number[];
}

export const jobFiles = {
  job: "job.json",
  train: "train.parquet",
  validation: "validation.parquet",
  model: "model.onnx",
  report: "result.json",
  /** The folder in which a command's own files lie. */
  code: "trainer",
} as const;
