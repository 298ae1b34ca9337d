import type { Fault } from "./errors.ts";
import type { PrincipalId, Timestamp } from "./ids.ts";

/** A holiday and some more; longer absences are a change of groups. */
export const longestDelegationMs = 60 * 24 * 60 * 60 * 1000;

export interface WantedDelegation {
  from: { id: PrincipalId; kind: "person" | "machine" };
  /** Null: nobody has this id. */
  to: { id: PrincipalId; kind: "person" | "machine"; active: boolean } | null;
  until: Timestamp;
  now: Timestamp;
}

/**
 * What is wrong with a delegation, field by field. That it conveys only the giver's own membership,
 * and nothing where either of the two is excluded, is a rule of the gate: `standingOf`.
 */
export function delegationFaults({ from, to, until, now }: WantedDelegation): Fault[] {
  const faults: Fault[] = [];
  const left = Date.parse(until) - Date.parse(now);
  if (from.kind !== "person") faults.push({ path: "", message: "machines delegate nothing" });
  if (to === null) faults.push({ path: "to", message: "is not known here" });
  else if (to.id === from.id) faults.push({ path: "to", message: "is yourself" });
  else if (to.kind !== "person") faults.push({ path: "to", message: "is a machine; only people decide for others" });
  else if (!to.active) faults.push({ path: "to", message: "has left" });
  if (left <= 0) faults.push({ path: "until", message: "has passed already" });
  if (left > longestDelegationMs) faults.push({ path: "until", message: "is more than 60 days away" });
  return faults;
}

export type DelegationState = "standing" | "ended" | "revoked";

export function delegationState(given: { until: Timestamp; revokedAt: Timestamp | null; now: Timestamp }): DelegationState {
  if (given.revokedAt !== null) return "revoked";
  return given.until < given.now ? "ended" : "standing";
}
