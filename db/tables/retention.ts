import type { Generated } from "kysely";
import type { Digest } from "../../domain/ids.ts";
import type { Removed } from "../../domain/retention.ts";
import type { JsonText, TimeOfWriting, TimeOrNull } from "./columns.ts";

/** The newest row of a model says whether it is held. */
export interface LegalHoldsTable {
  number: Generated<number>;
  model: string;
  held: boolean;
  why: string;
  by: string;
  at: TimeOfWriting;
}

export interface RetentionDaysTable {
  /** YYYY-MM-DD, in UTC. */
  day: string;
  removed: JsonText<Removed>;
  collected_at: TimeOrNull;
  told_at: TimeOrNull;
}

export interface UnreachableArtifactsTable {
  digest: Digest;
  since: TimeOfWriting;
}
