import type { Digest } from "../../domain/ids.ts";
import type { Time, WithDefault } from "./columns.ts";

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
