import type { PrincipalId, Timestamp } from "./ids.ts";

/** Every kind of record in the audit chain. A kind is never renamed or reused. */
export const auditKinds = [
  "principal.seeded",
  "group.changed",
  "token.created",
  "token.revoked",
  "policy.published",
  "policy.proposed",
  "policy.outdated",
  "model.registered",
  "definition.applied",
  "definition.proposed",
  "definition.outdated",
  "retirement.proposed",
  "model.paused",
  "model.resumed",
  "model.retired",
  "release.requested",
  "release.folded",
  "release.started",
  "release.ended",
  "release.blocked",
  "release.unblocked",
  "stage.started",
  "stage.ended",
  "stage.failed",
  "stage.skipped",
  "version.recorded",
  "evaluation.recorded",
  "gate.frozen",
  "gate.opened",
  "gate.decided",
  "gate.not-needed",
  "gate.reminded",
  "gate.escalated",
  "gate.overdue",
  "gate.stale",
  "gate.undecidable",
  "vote.cast",
  "decision.withdrawn",
  "gate.closed",
  "gate.reopening-refused",
  "gate.id-taken",
  "attempt.refused",
  "message.refused",
  "decision.not-counted",
  "approval.recorded",
  "approval.revoked",
  "finding.opened",
  "finding.closed",
  "deployment.promoted",
  "deployment.rolled-back",
  "deployment.withdrawn",
  "deployment.refused",
  "command.refused",
  "monitor.enrolled",
  "monitor.looked",
  "workflow.died",
  "slack.linked",
  "slack.unlinked",
  "slack.workspace-added",
  "notify.changed",
  "message.given-up",
  "principal.created",
  "principal.changed",
  "principal.left",
  "delegation.given",
  "delegation.revoked",
  "delegation.ended",
  "deployment.break-glass",
  "break-glass.reviewed",
  "reproduction.started",
  "version.reproduced",
  "retention.swept",
  "hold.placed",
  "hold.lifted",
] as const;
export type AuditKind = (typeof auditKinds)[number];

/** One record before it enters the chain. `subject` is the id it is about (release, gate, version, model, principal). */
export interface AuditEvent {
  kind: AuditKind;
  actor: PrincipalId | "countersign" | "unknown";
  model: string | null;
  subject: string;
  data: Record<string, unknown>;
}

/** What is hashed: canonical JSON of this is the `body`, and the body's SHA-256 is the `hash`. */
export interface AuditRecord extends AuditEvent {
  seq: number;
  at: Timestamp;
  prev: string;
}
