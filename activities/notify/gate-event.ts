import type { AuditRecord } from "../../domain/audit-events.ts";
import { closedLine } from "../../domain/notice-text.ts";
import type { GateEventNotice, GateNotice } from "../../domain/notices.ts";

/** What a record says that happened at a gate, in one sentence. */
export function gateEventOf(gate: GateNotice, record: AuditRecord): GateEventNotice {
  const { what, sentence } = told(gate, record);
  const { model, ask, why, deadline, onDeadline, links } = gate;
  return { kind: "gate-event", gate: gate.gate, model, at: record.at, what, sentence, ask, why, deadline, onDeadline, links };
}

function told(gate: GateNotice, { kind, actor, data, subject }: AuditRecord): Pick<GateEventNotice, "what" | "sentence"> {
  const waits = gate.missing.length > 0 ? ` Still missing: ${gate.missing.join(", ")}.` : "";
  // The kind as text: reminders and escalations come from versions that have them.
  switch (kind as string) {
    case "gate.opened":
      return { what: "opened", sentence: `${gate.gate} waits for ${gate.deciders}.` };
    case "gate.reminded":
      return { what: "reminded", sentence: `Reminder: ${gate.gate} still waits for ${gate.deciders}.${waits}` };
    case "gate.escalated":
      return { what: "escalated", sentence: `${escalationInWords(actor, data)}${waits}` };
    case "gate.overdue":
      return { what: "overdue", sentence: `The deadline of ${gate.gate} passed; it goes on waiting for ${gate.deciders}.` };
    case "release.ended":
      return { what: "outcome", sentence: outcomeInWords(subject, data) };
    default:
      return gate.resolution === "superseded"
        ? { what: "superseded", sentence: supersededInWords(gate, data) }
        : { what: "closed", sentence: `${closedLine(gate)}.${gate.closed?.reason ? ` ${gate.closed.reason}` : ""}` };
  }
}

function escalationInWords(actor: string, data: Record<string, unknown>): string {
  const groups = Array.isArray(data["groups"]) ? data["groups"].join(", ") : "the next group";
  const who = actor === "countersign" ? "Nobody decided in time, so it was" : `${actor}`;
  const reason = typeof data["why"] === "string" && data["why"] !== "" ? ` ${data["why"]}` : "";
  return actor === "countersign"
    ? `${who} escalated: ${groups} may decide as well.`
    : `${who} escalated to ${groups}, who may decide as well.${reason}`;
}

function supersededInWords(gate: GateNotice, data: Record<string, unknown>): string {
  const why = typeof data["why"] === "string" ? ` ${data["why"]}` : "";
  return gate.supersededBy === null ? `Superseded.${why}` : `Superseded by ${gate.supersededBy.gate}.${why}`;
}

function outcomeInWords(release: string, data: Record<string, unknown>): string {
  const summary = typeof data["summary"] === "string" ? ` ${data["summary"]}` : "";
  return `${release} ended as ${String(data["outcome"])}.${summary}`;
}
