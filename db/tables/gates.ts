import type { ColumnType } from "kysely";
import type { ConditionFacts } from "../../domain/conditions.ts";
import type { FindingKind } from "../../domain/finding.ts";
import type {
  ApprovalCondition,
  DecisionInputs,
  DecisionKind,
  GateOutcome,
  GateRequest,
  GateState,
  Resolution,
} from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Surface } from "../../domain/principal.ts";
import type { CommandBody, DecisionCommand, SignedCommand } from "../../domain/signed-command.ts";
import type { Derived, JsonText, JsonTextOrNull, Time, TimeOfWriting, TimeOrNull, WithDefault } from "./columns.ts";

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
  escalation_level: WithDefault<number>;
  reminders: WithDefault<number>;
  overdue_since: TimeOrNull;
  /** Why the request is out of date; it is asked anew. */
  stale: string | null;
  /** Why nobody can complete the quorum. */
  undecidable: string | null;
  outcome: JsonTextOrNull<GateOutcome>;
  /** From here on what follows from the request, written by triggers; conditions on it stand in rights.ts. */
  terms: Derived<GateTerms>;
  recommendation: Derived<GateRequest["evidence"]["recommendation"]>;
  /** The last moment at which decisions are taken; null: as long as it is open. */
  decisions_until: Derived<Date | null>;
  decider_groups: Derived<string[]>;
  escalation_groups: Derived<string[]>;
  decider_people: Derived<string[]>;
  barred_groups: Derived<string[]>;
  barred_people: Derived<string[]>;
  excluded_people: Derived<string[]>;
  machines_decide: Derived<boolean>;
  owner_team: Derived<string | null>;
}

/** The frozen request without its evidence. */
export type GateTerms = Omit<GateRequest, "evidence">;

/** Whom a frozen request about the model named, written by triggers. */
export interface ModelReadersTable {
  model: string;
  reader: string;
  is_group: boolean;
}

/** A verified decision that waits for the quorum. */
export interface VotesTable {
  command_id: string;
  gate_id: string;
  principal_id: string;
  on_behalf_of: string | null;
  decision: Exclude<DecisionKind, "escalate">;
  /** Groups by which it counts. */
  groups: string[];
  command: JsonText<DecisionCommand>;
  cast_at: Time;
  recorded_at: TimeOfWriting;
  ended_at: TimeOrNull;
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
  on_behalf_of: string | null;
  /** Groups by which it counted. */
  counted_as: WithDefault<string[]>;
}

export interface ApprovalsTable {
  id: string;
  version_id: string;
  version_digest: Digest;
  environment: string;
  kind: "gate" | "policy" | "break-glass";
  gate_id: string | null;
  gate_resolution: "approved" | null;
  policy_id: string;
  policy_version: number;
  at: TimeOfWriting;
  revoked_at: TimeOrNull;
  inputs: ColumnType<DecisionInputs, string | undefined, never>;
  conditions: ColumnType<ApprovalCondition[], string | undefined, never>;
  revoked_why: string | null;
  /** Of a promotion by break-glass, whose proof it is. */
  command: JsonTextOrNull<SignedCommand>;
}

export interface FindingsTable {
  id: string;
  model: string;
  kind: FindingKind;
  title: string;
  key: string | null;
  gate_id: string | null;
  version_id: string | null;
  opened_by: string;
  opened_at: TimeOfWriting;
  closed_by: string | null;
  closed_at: TimeOrNull;
  closing: string | null;
}

export interface RenderingsTable {
  gate_id: string;
  digest: Digest;
  media_type: string;
  surface: Surface;
  first_for: string;
  at: TimeOfWriting;
}

/** A gate of the policy that its own condition did not call for. */
export interface GatesNotNeededTable {
  release_id: string;
  name: string;
  /** A sentence. */
  why: string;
  facts: JsonText<ConditionFacts>;
  policy_id: string;
  policy_version: number;
  at: TimeOfWriting;
}
