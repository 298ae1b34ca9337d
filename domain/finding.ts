/** Something that somebody must answer. Where it comes from: monitoring, a condition of an approval, an approval too old, a promotion by break-glass. */
export const findingKinds = ["drift", "condition", "revalidation", "break-glass"] as const;
export type FindingKind = (typeof findingKinds)[number];
