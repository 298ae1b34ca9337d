import type { DecisionKind, GateRequest, GateState, Resolution } from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Surface } from "../../domain/principal.ts";
import type { CommandBody } from "../../domain/signed-command.ts";
import type { Time, TimeOrNull, TimeOfWriting, JsonText } from "./columns.ts";

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
