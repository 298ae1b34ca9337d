import type { ColumnType, Generated, Insertable, Selectable } from "kysely";
import type { BlockedCause, ModelState, ReleaseOutcome, ReleaseState, Trigger } from "../domain/lifecycle.ts";
import type { DecisionKind, GateRequest, GateState, ReceiptKind, Resolution } from "../domain/gate.ts";
import type { Digest } from "../domain/ids.ts";
import type { Evaluation, MonitorWindow } from "../domain/evidence.ts";
import type { Policy, Tier, Maturity } from "../domain/policy.ts";
import type { ReleaseParameters, VersionManifest } from "../domain/stage-results.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { Role, Surface } from "../domain/principal.ts";
import type { SignedCommand, CommandBody } from "../domain/signed-command.ts";
import type { Stage, StageState } from "../domain/stages.ts";

/**
 * The tables of migrations/, one interface each: what stands there and in which form. Times come
 * as Date (in milliseconds) and go in as Date or RFC 3339; jsonb comes parsed and goes in as JSON
 * text, because the driver would turn an array into a Postgres array.
 */
type Time = ColumnType<Date, Date | string, Date | string>;
type TimeOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
type TimeOfWriting = ColumnType<Date, Date | string | undefined, Date | string>;
type JsonText<T> = ColumnType<T, string, string>;
type JsonTextOrNull<T> = ColumnType<T | null, string | null | undefined, string | null>;
type WithDefault<T> = Generated<T>;

export interface Database {
  principals: PrincipalsTable;
  groups: GroupsTable;
  group_members: GroupMembersTable;
  tokens: TokensTable;
  commands: CommandsTable;
  attempts: AttemptsTable;
  policies: PoliciesTable;
  models: ModelsTable;
  definitions: DefinitionsTable;
  releases: ReleasesTable;
  release_requests: ReleaseRequestsTable;
  release_stages: ReleaseStagesTable;
  contributors: ContributorsTable;
  versions: VersionsTable;
  gates: GatesTable;
  decisions: DecisionsTable;
  approvals: ApprovalsTable;
  slots: SlotsTable;
  deployments: DeploymentsTable;
  command_results: CommandResultsTable;
  predictions: PredictionsTable;
  enrolments: EnrolmentsTable;
  monitor_windows: MonitorWindowsTable;
  audit: AuditTable;
  audit_head: AuditHeadTable;
}

export interface PrincipalsTable {
  id: string;
  kind: "person" | "machine";
  display_name: string;
  roles: WithDefault<Role[]>;
  active: WithDefault<boolean>;
  created_at: TimeOfWriting;
}

export interface GroupsTable {
  id: string;
  created_at: TimeOfWriting;
}

export interface GroupMembersTable {
  group_id: string;
  principal_id: string;
  since: TimeOfWriting;
  until: TimeOrNull;
}

export interface TokensTable {
  id: string;
  principal_id: string;
  kind: "api" | "session";
  hash: string;
  name: string;
  scopes: WithDefault<string[]>;
  created_by: string;
  created_at: TimeOfWriting;
  expires_at: Time;
  revoked_at: TimeOrNull;
}

export interface CommandsTable {
  id: string;
  principal_id: string;
  route: string;
  idempotency_key: string;
  body_digest: string;
  state: "running" | "pending" | "done";
  gate_id: string | null;
  signed: JsonTextOrNull<SignedCommand>;
  response_status: number | null;
  response_body: string | null;
  created_at: TimeOfWriting;
  /** When a process last took it up; null when nobody works on it. */
  taken_at: TimeOrNull;
  completed_at: TimeOrNull;
}

export interface AttemptsTable {
  id: string;
  gate_id: string;
  principal_id: string;
  surface: Surface;
  decision: string;
  receipt: ReceiptKind;
  message: string;
  at: TimeOfWriting;
}

export interface PoliciesTable {
  id: string;
  version: number;
  digest: Digest;
  body: JsonText<Policy>;
  published_by: string;
  published_at: TimeOfWriting;
}

export interface ModelsTable {
  name: string;
  owner_team: string;
  owner_person: string;
  tier: Tier;
  maturity: Maturity;
  title: string;
  environment: string;
  state: ModelState;
  definition_digest: Digest;
  created_at: TimeOfWriting;
  updated_at: TimeOfWriting;
}

export interface DefinitionsTable {
  digest: Digest;
  model: string;
  body: JsonText<ResolvedDefinition>;
  applied_by: string;
  applied_at: TimeOfWriting;
}

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

export interface GatesTable {
  id: string;
  release_id: string | null;
  model: string | null;
  name: string;
  number: number;
  subject_kind: string;
  subject_id: string;
  subject_digest: Digest;
  state: GateState;
  resolution: Resolution | null;
  request: JsonText<GateRequest>;
  request_digest: Digest;
  superseded_by: string | null;
  created_at: TimeOfWriting;
  opened_at: TimeOrNull;
  closed_at: TimeOrNull;
}

export interface DecisionsTable {
  command_id: string;
  gate_id: string;
  principal_id: string;
  decision: DecisionKind;
  request_digest: Digest;
  seen: Digest | null;
  reason: string | null;
  body: JsonText<Extract<CommandBody, { kind: "decide" }>>;
  surface: Surface;
  groups_then: string[];
  groups_at_close: string[];
  counted: boolean;
  why_not: string | null;
  /** Control's signature over the command. */
  token: string;
  decided_at: Time;
  recorded_at: TimeOfWriting;
}

export interface ApprovalsTable {
  id: string;
  version_id: string;
  version_digest: Digest;
  environment: string;
  kind: "gate" | "policy";
  gate_id: string | null;
  gate_resolution: "approved" | null;
  policy_id: string;
  policy_version: number;
  at: TimeOfWriting;
  revoked_at: TimeOrNull;
}

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

export interface CommandResultsTable {
  command_id: string;
  kind: string;
  ok: boolean;
  code: string | null;
  result: JsonText<Record<string, unknown>>;
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
  probability: number;
  label: string;
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

export interface AuditTable {
  seq: number;
  at: Time;
  kind: string;
  actor: string;
  model: string | null;
  subject: string;
  /** Canonical JSON of the AuditRecord: the bytes that were hashed. */
  body: string;
  prev: Digest;
  hash: Digest;
}

export interface AuditHeadTable {
  single: WithDefault<boolean>;
  seq: number;
  hash: Digest;
}

export type Row<Table extends keyof Database> = Selectable<Database[Table]>;
export type NewRow<Table extends keyof Database> = Insertable<Database[Table]>;
