/**
 * The contract of files between the engine and a trainer. The trainer's working directory is its
 * job folder; it finds `job.json` there, writes `model.onnx` (and, if it likes, `result.json`),
 * tells its progress line by line on stdout or stderr and ends with exit code 0. Paths in the job
 * are relative to the folder. Its stdin is a pipe that ends when the engine dies.
 */
export interface TrainJob {
  contract: 1;
  /** Parquet with `row_id`, one column a feature and the label. */
  train: string;
  features: { name: string; type: "float" | "string" }[];
  /** Name of the label's column: 0 or 1. */
  label: string;
  seed: number;
  parameters: Record<string, number | string | boolean>;
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
}

export const jobFiles = {
  job: "job.json",
  train: "train.parquet",
  model: "model.onnx",
  report: "result.json",
} as const;
