import type { AuditEvent } from "../../domain/audit-events.ts";

/** A record for tests of the chain itself. */
export function auditEvent(subject: string, data: Record<string, unknown> = {}): AuditEvent {
  return { kind: "gate.opened", actor: "countersign", model: "flight-delays", subject, data };
}
