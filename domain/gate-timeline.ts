import type { Timestamp } from "./ids.ts";
import type { GateRule } from "./policy.ts";

/** What falls due while a request waits. */
export type DueKind = "remind" | "escalate" | "deadline" | "max-age";
export interface Due {
  kind: DueKind;
  at: Timestamp;
  /** The first reminder is 1; an escalation's step in its chain, from 1; 1 otherwise. */
  step: number;
}

const standardReminders = [0.5, 0.8];

/**
 * Everything that falls due, as absolute times, in order: reminders and escalations, the deadline,
 * and the age at which the evidence must be renewed. At the same moment the one that says more comes last.
 */
export function timelineOf(rule: GateRule, opensAt: Timestamp): Due[] {
  const from = new Date(opensAt).getTime();
  const at = (afterMs: number): Timestamp => new Date(from + Math.round(afterMs)).toISOString();
  const due: Due[] = [
    ...(rule.remindAt ?? standardReminders).map((share, index): Due => ({
      kind: "remind",
      at: at(share * rule.deadlineMs),
      step: index + 1,
    })),
    ...(rule.escalation ?? []).map((step, index): Due => ({ kind: "escalate", at: at(step.afterMs), step: index + 1 })),
    { kind: "deadline", at: at(rule.deadlineMs), step: 1 },
    ...(rule.maxAgeMs === undefined ? [] : [{ kind: "max-age" as const, at: at(rule.maxAgeMs), step: 1 }]),
  ];
  return due.toSorted((one, other) => one.at.localeCompare(other.at) || rank(one.kind) - rank(other.kind));
}

function rank(kind: DueKind): number {
  return ["remind", "escalate", "deadline", "max-age"].indexOf(kind);
}
