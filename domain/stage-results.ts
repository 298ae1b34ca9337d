import type { TypeOptions } from "./contract-options.ts";
import type { DataFinding } from "./data-finding.ts";
import type { ColumnType, Encoding, SourceFormat } from "./definition-schema.ts";
import type { Evaluation, Verdict } from "./evidence.ts";
import type { Digest, ModelName, ReleaseId, Timestamp, VersionId } from "./ids.ts";
import type { LabelSpec } from "./task.ts";

/**
 * What the stages hand to each other: digests of content-addressed artifacts and a few numbers,
 * small enough for a workflow's history (a payload may have 2 MiB; these have about one KiB).
 * `summary` is a sentence for a person.
 */
export interface StageContext {
  model: ModelName;
  release: ReleaseId;
  /** Artifact: canonical JSON of the ResolvedDefinition the release is pinned to. */
  definition: Digest;
  /** Parameters of this release: an override of train.parameters, train.seed, train.limits, window… See release-parameters.ts. */
  parameters: ReleaseParameters;
}

/** What a request for a release, an unblock or a reviewer may change for one release. */
export interface ReleaseParameters {
  /** Replaces `window.until` of every windowed source (a month, 2013-03). */
  until?: string;
  months?: number;
  seed?: number;
  /** Merged over train.parameters. */
  train?: Record<string, number | string | boolean>;
  /** Merged over train.limits. */
  limits?: { minutes?: number; memoryMb?: number; outputMb?: number };
}

export interface IngestResult {
  summary: string;
  /** Artifact: canonical JSON of a DatasetManifest. */
  dataset: Digest;
  rows: number;
  files: number;
  bytes: number;
  /** Artifact: canonical JSON of a DataProfile. */
  profile?: Digest;
  /** Artifact: canonical JSON of a DataDifference to the champion's data; absent without a champion. */
  difference?: Digest;
}

export interface DatasetManifest {
  rows: string;
  sources: Record<string, SourceManifest>;
}

export interface SourceManifest {
  format: SourceFormat;
  /** The rule by which cells are read (value-spellings.ts); absent: rule 1. */
  reading?: number;
  /** Of CSV; absent: utf-8. */
  encoding?: Encoding;
  /** Rows within the window, where there is one by time; of all files otherwise. */
  rows: number;
  /** Only rows whose `column` lies in [from, until) belong to the source. */
  window?: {
    column: string;
    from: string;
    until: string;
    /** How the contract says that `column` is written; absent: as ISO writes times. */
    options?: Pick<TypeOptions, "format" | "timezone">;
  };
  /** The day on which the window ends, by name or by time; absent without one. */
  until?: string;
  columns: { name: string; type: string }[];
  /** In reading order (by name). `digest` is the file's bytes in the artifact store. */
  files: { name: string; digest: Digest; bytes: number; rows: number }[];
}

export interface ValidateResult {
  summary: string;
  verdict: "pass" | "warn";
  /** Artifact: canonical JSON of a ValidationReport. */
  report: Digest;
  rules: number;
  warned: number;
  /** How many findings beside the contract. */
  findings?: number;
}

export interface ValidationReport {
  source: string;
  rows: number;
  rules: {
    rule: string;
    column: string | null;
    severity: "error" | "warning" | "info";
    outcome: "pass" | "fail";
    failing: number;
    /** Of the rows, 0 to 1. */
    share: number;
    message: string;
    /** Up to five examples: row number in the file (of its data rows, from 1) and value. */
    sample: { row: number; file: string; value: string }[];
  }[];
  /** What nobody asked for, of the source of the examples. */
  findings?: DataFinding[];
}

/** How features are made, for training, evaluation and serving alike; an artifact (canonical JSON), part of the version. */
export interface FeatureSpec {
  sql: string;
  request: Record<string, ColumnType>;
  /** Lookup tables as Parquet artifacts with the rows that the release saw. */
  lookups: Record<string, { table: Digest; rows: number; asOf: Timestamp | null; join?: AsOfJoin }>;
  features: { name: string; type: "float" | "string" }[];
  /** Absent: binary. */
  label?: LabelSpec;
  /** The rule by which requests are read (value-spellings.ts); absent: rule 1. */
  reading?: number;
}

/** How a lookup that changes with time is seen: the newest row of its key at the request's moment. */
export interface AsOfJoin {
  /** Columns of the lookup and the request columns that they equal. */
  key: Record<string, string>;
  time: string;
  at: string;
  /** Null: however old. */
  ttlSeconds: number | null;
}

export interface FeaturizeResult {
  summary: string;
  /** Artifact: FeatureSpec. */
  spec: Digest;
  /** Parquet artifacts: `row_id`, the features, `label` (see LabelSpec). */
  train: Digest;
  holdout: Digest;
  /** Parquet artifact: `row_id`, the request columns, `label` of the holdout rows: a champion with other features is evaluated on these. */
  holdoutRequests: Digest;
  trainRows: number;
  holdoutRows: number;
  /** Where the holdout begins when split by time. */
  holdoutFrom: Timestamp | null;
  /** Artifact: canonical JSON of FeatureChecks. */
  checks?: Digest;
}

export interface TrainResult {
  summary: string;
  /** The ONNX bytes. */
  model: Digest;
  /** Artifact: text, the trainer's log (its end, when it was long). */
  log: Digest;
  trainer: string;
  seed: number;
  parameters: Record<string, number | string | boolean>;
  /** What made it: versions of Node, the trainer, libraries. */
  environment: Record<string, string>;
  durationMs: number;
  modelBytes: number;
  /** The ONNX bytes of the simple model that the candidate is measured against; null when the candidate is that model. Absent in releases made before there was one. */
  baseline?: Digest | null;
  /** How the parameters were found, where they were searched. */
  search?: SearchSummary | null;
  /** What was declared of a model that was trained elsewhere. */
  origin?: Record<string, string> | null;
  /** Artifact: canonical JSON of TrainingFiles. Absent in releases made before they were kept, and where nothing was trained. */
  files?: Digest;
}

/** What lay in the job folder, by its path in there, and the model that came of it. A command's own files lie in the store. */
export type TrainingFiles = Record<string, { digest: Digest; executable?: true }>;

/** A search in a few numbers; `trials` is an artifact: canonical JSON of the SearchTrial[]. */
export interface SearchSummary {
  trials: Digest;
  tried: number;
  /** More than were tried where its time was over. Absent in searches made before it was told. */
  planned?: number;
  failed: number;
  metric: string;
  /** Number of the trial that was chosen, from 1, and its metric on the validation rows. */
  chosen: number;
  best: number;
}

/** One point of a search. */
export interface SearchTrial {
  number: number;
  parameters: Record<string, number | string | boolean>;
  /** On the validation rows; null when the trial failed. */
  value: number | null;
  durationMs: number;
  /** Why it failed. */
  fault: string | null;
  /** Artifact: what the trainer printed, of a trial that failed. Absent in trials made before it was kept. */
  log?: Digest;
}

/** The ids and digests that together are a version; its canonical JSON's digest is what a gate approves. */
export interface VersionManifest {
  version: VersionId;
  model: ModelName;
  onnx: Digest;
  features: Digest;
  dataset: Digest;
  definition: Digest;
  trainData: Digest;
  threshold: number;
  labelName: string;
  trainer: {
    name: string;
    seed: number;
    parameters: Record<string, number | string | boolean>;
    environment: Record<string, string>;
  };
  runtime: { onnxruntime: string; duckdb: string };
}

export interface EvaluateInput extends StageContext {
  holdout: FeaturizeResult;
  candidate: { onnx: Digest; features: Digest };
  /** The ONNX bytes of the simple model that the trainer made beside the candidate, of the same features. */
  baseline?: Digest | null;
  /** Null for the first release. */
  champion: { version: VersionId; onnx: Digest; features: Digest } | null;
}

export interface EvaluateResult {
  summary: string;
  verdict: Verdict;
  /** Artifact: canonical JSON of the Evaluation. */
  evaluation: Digest;
  headline: Evaluation["headline"];
  /** True when the candidate is no better than the champion: the difference's interval lies wholly on the worse side. */
  worseThanChampion: boolean;
}

export interface MonitorResult {
  summary: string;
  /** Artifact: canonical JSON of the ReferenceProfile. */
  profile: Digest;
}
