import type { PrincipalId, Timestamp } from "./ids.ts";

/** Where a finding comes from: monitoring, a condition of an approval, an approval too old, a promotion by break-glass. */
export const findingKinds = ["drift", "condition", "revalidation", "break-glass"] as const;
export type FindingKind = (typeof findingKinds)[number];

/** Something that somebody must answer. Closed by a person with a reason, never deleted. */
export interface Finding {
  id: string;
  kind: FindingKind;
  title: string;
  gate: string | null;
  version: string | null;
  openedBy: PrincipalId;
  openedAt: Timestamp;
  closedBy: PrincipalId | null;
  closedAt: Timestamp | null;
  closing: string | null;
}
