import type { ColumnType } from "kysely";
import type { BlockedCause, ReleaseOutcome, ReleaseState, Trigger } from "../../domain/lifecycle.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { ReproductionEffect, TrainingDifference } from "../../domain/reproduction.ts";
import type { ReleaseParameters, VersionManifest } from "../../domain/stage-results.ts";
import type { Stage, StageState } from "../../domain/stages.ts";
import type { Time, TimeOrNull, TimeOfWriting, JsonText, JsonTextOrNull, WithDefault } from "./columns.ts";

export interface ReleasesTable {
  id: string;
  model: string;
  number: number;
  state: ReleaseState;
  outcome: ReleaseOutcome | null;
  parent: string | null;
  next: string | null;
  stage: Stage | null;
  trigger: Trigger;
  reason: string;
  requested_by: string;
  parameters: ColumnType<ReleaseParameters, string | undefined, string>;
  definition_digest: Digest;
  policy_id: string;
  policy_version: number;
  /** What it waits for, in a sentence. */
  waits_for: string | null;
  blocked: JsonTextOrNull<BlockedCause>;
  temporal_run_id: string | null;
  created_at: TimeOfWriting;
  ended_at: TimeOrNull;
}

export interface ReleaseRequestsTable {
  command_id: string;
  model: string;
  release_id: string;
  folded: boolean;
  requested_by: string;
  at: TimeOfWriting;
}

export interface ReleaseStagesTable {
  release_id: string;
  stage: Stage;
  state: StageState;
  attempts: WithDefault<number>;
  started_at: TimeOrNull;
  ended_at: TimeOrNull;
  summary: string | null;
  /** What the stage's activity returned. */
  result: JsonTextOrNull<Record<string, unknown>>;
  error: JsonTextOrNull<BlockedCause>;
  log: Digest | null;
}

export interface ContributorsTable {
  release_id: string;
  principal_id: string;
  /** A sentence that completes "…, who …". */
  how: string;
  at: TimeOfWriting;
}

export interface VersionsTable {
  id: string;
  model: string;
  release_id: string;
  digest: Digest;
  manifest: JsonText<VersionManifest>;
  evaluation: JsonTextOrNull<Evaluation>;
  evaluation_digest: Digest | null;
  created_at: TimeOfWriting;
}

export interface ReproductionsTable {
  /** Of the command. */
  id: string;
  version_id: string;
  requested_by: string;
  at: TimeOfWriting;
  /** Whatever is open after it is lost. */
  until: Time;
  ended_at: TimeOrNull;
  same: boolean | null;
  digest: Digest | null;
  differs: JsonTextOrNull<TrainingDifference[]>;
  effects: JsonTextOrNull<ReproductionEffect[]>;
  fault_code: string | null;
  fault: string | null;
}
