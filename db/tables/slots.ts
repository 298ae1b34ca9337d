import type { Digest } from "../../domain/ids.ts";
import type { MonitorWindow } from "../../domain/evidence.ts";
import type { Time, TimeOrNull, TimeOfWriting, JsonText, JsonTextOrNull, WithDefault } from "./columns.ts";

export interface SlotsTable {
  model: string;
  environment: string;
  epoch: WithDefault<number>;
  champion_version: string | null;
  champion_approval: string | null;
  champion_since: TimeOrNull;
}

export interface DeploymentsTable {
  id: string;
  model: string;
  environment: string;
  kind: "promote" | "rollback";
  version_id: string;
  previous: string | null;
  share: number;
  epoch: number;
  approval_id: string;
  by: string;
  reason: string;
  at: TimeOfWriting;
}

export interface PredictionsTable {
  id: string;
  model: string;
  environment: string;
  version_id: string;
  epoch: number;
  at: TimeOfWriting;
  request: JsonText<Record<string, unknown>>;
  key: string | null;
  /** Null for a regression, which has a value. */
  probability: number | null;
  label: string | null;
  probabilities: JsonTextOrNull<Record<string, number>>;
  value: number | null;
}

export interface EnrolmentsTable {
  model: string;
  environment: string;
  version_id: string;
  profile: Digest;
  enrolled_at: TimeOfWriting;
}

export interface MonitorWindowsTable {
  model: string;
  environment: string;
  version_id: string;
  from_at: Time;
  to_at: Time;
  rows: number;
  verdict: MonitorWindow["verdict"];
  body: JsonText<MonitorWindow>;
  at: TimeOfWriting;
}
