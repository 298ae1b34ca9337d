import type { DriftedColumn } from "./drift-words.ts";
import type { Estimate } from "./evidence.ts";
import type { GateState, Resolution } from "./gate.ts";
import type { Digest, GateId, ReleaseId, Timestamp } from "./ids.ts";
import type { GateInput, GateRule } from "./policy.ts";

/**
 * What people are told outside of the pages: the view models of messages, the same for Slack, e-mail
 * and webhooks. A notice is made from the database alone at the moment in which it is sent.
 */
export const messageWays = ["slack", "email", "webhook"] as const;
export type MessageWay = (typeof messageWays)[number];

/**
 * `gate`, `blocked` are kept true for as long as their subject changes (in Slack); `gate-event` is
 * one thing that happened at a gate, in its thread; the rest is told once.
 */
export const noticeKinds = ["gate", "gate-event", "blocked", "drift", "rolled-back", "aborted", "revoked", "withdrawn"] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export type Notice =
  | GateNotice
  | GateEventNotice
  | BlockedNotice
  | DriftNotice
  | RolledBackNotice
  | AbortedNotice
  | RevokedNotice
  | WithdrawnNotice;

/** A number that a decision hangs on: of the champion, of the candidate, and the limit. */
export interface MetricNotice {
  title: string;
  candidate: Estimate;
  champion: number | null;
  /** Candidate minus champion with its interval. */
  change: Estimate | null;
  threshold: number | null;
  verdict: "pass" | "warn" | "fail";
}

export interface GateNotice {
  kind: "gate";
  gate: GateId;
  model: string | null;
  release: ReleaseId | null;
  subject: string;
  /** The subject as people know it, where its id says nothing to them. */
  about: string;
  /** Of the frozen request; a button carries it. */
  digest: Digest;
  ask: string;
  why: string;
  state: GateState;
  resolution: Resolution | null;
  recommendation: { verdict: "pass" | "warn" | "fail"; sentence: string };
  headline: MetricNotice | null;
  /** The picture of the evidence that says most; its bytes lie in the artifact store. */
  chart: { png: Digest; alt: string } | null;
  /** What gets worse, each in a few words; the worst first. */
  worse: string[];
  opensAt: Timestamp;
  deadline: Timestamp;
  onDeadline: GateRule["onDeadline"];
  overdue: boolean;
  /** Who decides, in words. */
  deciders: string;
  /** Groups that were asked besides since it opened. */
  escalatedTo: string[];
  /** What the quorum lacks, in words. */
  missing: string[];
  inputs: GateInput[];
  /** Whether an approval may hang on findings that are to be closed. */
  conditional: boolean;
  votes: { by: string; decision: string; surface: string; at: Timestamp; reason: string | null }[];
  closed: { at: Timestamp; by: string | null; how: string | null; surface: string | null; reason: string | null } | null;
  supersededBy: { gate: GateId; console: string } | null;
  links: { console: string; temporal: string };
}

/** One thing that happened while a gate waited, or what came of it. */
export interface GateEventNotice {
  kind: "gate-event";
  gate: GateId;
  model: string | null;
  at: Timestamp;
  what: "opened" | "vote" | "reminded" | "escalated" | "overdue" | "closed" | "superseded" | "outcome";
  /** A whole sentence. */
  sentence: string;
  ask: string;
  why: string;
  deadline: Timestamp;
  onDeadline: GateRule["onDeadline"];
  links: { console: string; temporal: string };
}

export interface BlockedNotice {
  kind: "blocked";
  release: ReleaseId;
  model: string;
  at: Timestamp;
  stage: string;
  code: string;
  message: string;
  cure: string;
  logTail: string | null;
  skippable: boolean;
  /** What became of it, in a sentence; null while it is blocked. */
  since: string | null;
  links: { console: string; temporal: string };
}

export interface DriftNotice {
  kind: "drift";
  model: string;
  version: string;
  environment: string;
  at: Timestamp;
  from: Timestamp;
  to: Timestamp;
  rows: number;
  columns: DriftedColumn[];
  links: { console: string; temporal: string };
}

export interface RolledBackNotice {
  kind: "rolled-back";
  model: string;
  environment: string;
  version: string;
  previous: string | null;
  by: string;
  reason: string;
  at: Timestamp;
  links: { console: string; temporal: string };
}

export interface AbortedNotice {
  kind: "aborted";
  model: string;
  release: ReleaseId;
  at: Timestamp;
  summary: string;
  champion: string | null;
  links: { console: string; temporal: string };
}

/** An approval that does not hold any more: lapsed on a condition or overdue, or taken back. */
export interface RevokedNotice {
  kind: "revoked";
  model: string;
  environment: string;
  version: string;
  by: string;
  why: string;
  at: Timestamp;
  /** What serves since then; null: nothing. */
  serves: string | null;
  /** Whether the version itself served until then. */
  served: boolean;
  links: { console: string; temporal: string };
}

/** A champion that was taken away with none in its place. */
export interface WithdrawnNotice {
  kind: "withdrawn";
  model: string;
  environment: string;
  version: string;
  by: string;
  reason: string;
  at: Timestamp;
  links: { console: string; temporal: string };
}
