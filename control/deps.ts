import type { Client } from "@temporalio/client";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { AuditNotices } from "../db/audit-notices.ts";
import type { Db } from "../db/database.ts";
import type { Admission } from "./admission.ts";
import type { AuditFeed } from "./audit-feed.ts";
import type { SecretBox } from "./secret-box.ts";
import type { Signer } from "./signing.ts";

/** What the use cases work with. */
export interface ControlDeps {
  db: Db;
  /** On a lazy connection, so that the door opens while Temporal is away. */
  temporal: Client;
  store: ArtifactStore;
  signer: Signer;
  /** Told when records were committed; without it the event stream polls. */
  notices?: AuditNotices;
  /** Ends the event streams, which otherwise hold a server that wants to stop. */
  closing?: AbortSignal;
  clock?: () => Date;
  /** Origin of the console as people reach it, such as `http://127.0.0.1:4400`; empty: links are paths. */
  publicUrl?: string;
  /** Origin of the Temporal UI; without it links to it are empty. */
  temporalUiUrl?: string;
  /** Seals the secrets of webhooks; without it none can be kept. */
  secrets?: SecretBox;
  limits?: Partial<ControlLimits>;
}

/** All waits are bounded; these are the bounds. */
export interface ControlLimits {
  /** After this long an outcome is `pending`. */
  knownWithinMs: number;
  /** After acceptance, how long to wait for the record that says whether a decision counted. */
  recordedWithinMs: number;
  /** How long to try while Temporal refuses connections, before 503. */
  reachedWithinMs: number;
  /** Decisions on one gate that the database is asked about at once. */
  decisionsAtTheDoor: number;
  /** Decisions in flight a gate: the server takes 10 updates at once. */
  decisionsInFlight: number;
  /** A command on which nobody worked for so long was left lying by a process that died. */
  leaseMs: number;
  /** Pending commands are delivered again for so long. */
  settleWithinMs: number;
}

export const defaultLimits: ControlLimits = {
  knownWithinMs: 10_000,
  recordedWithinMs: 1_500,
  reachedWithinMs: 3_000,
  decisionsAtTheDoor: 16,
  decisionsInFlight: 4,
  leaseMs: 15_000,
  settleWithinMs: 30 * 60_000,
};

/** The same with everything in place. */
export interface ControlContext extends Omit<ControlDeps, "clock" | "limits" | "publicUrl" | "temporalUiUrl"> {
  clock: () => Date;
  publicUrl: string;
  temporalUiUrl: string | null;
  limits: ControlLimits;
  /** Of all event streams. */
  feed: AuditFeed;
  /** Into control, a gate. */
  door: Admission;
  /** From control to a gate's workflow. */
  admission: Admission;
}
