import type { ReceiptKind } from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Surface } from "../../domain/principal.ts";
import type { SignedCommand } from "../../domain/signed-command.ts";
import type { TimeOrNull, TimeOfWriting, JsonText, JsonTextOrNull } from "./columns.ts";

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

export interface SubjectCommandsTable {
  command_id: string;
  /** Of the definition or policy that it put in force. */
  digest: Digest;
  command: JsonText<SignedCommand>;
  kept_at: TimeOfWriting;
}

export interface CommandResultsTable {
  command_id: string;
  kind: string;
  ok: boolean;
  code: string | null;
  result: JsonText<Record<string, unknown>>;
  at: TimeOfWriting;
}
