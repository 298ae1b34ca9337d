import type { AuditKind } from "../domain/audit-events.ts";
import type { GateState } from "../domain/gate.ts";
import type { ModelName } from "../domain/ids.ts";
import type { ReleaseState } from "../domain/lifecycle.ts";

/** What lists and documents take; the rest of what is asked stands with each use case. */
export interface PageInput {
  limit: number;
  after?: string | undefined;
}

export interface GateFilter {
  state?: GateState | undefined;
  mine?: boolean | undefined;
  model?: ModelName | undefined;
}

export interface ReleaseFilter {
  model?: ModelName | undefined;
  state?: ReleaseState | undefined;
  /** Those that have not ended. */
  underWay?: boolean | undefined;
}

export interface AuditFilter {
  model?: ModelName | undefined;
  actor?: string | undefined;
  subject?: string | undefined;
  kind?: AuditKind | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface DefinitionSent {
  /** The definition's text. */
  text: string;
  format: "json" | "yaml";
  key: string | null;
  /** Digest that the present definition must have; `*`: there must be one; null: whatever is there. */
  ifMatch: string | null;
}
