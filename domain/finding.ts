/** Something that somebody must answer. Where it comes from: monitoring, a condition of an approval, an approval too old, a promotion by break-glass. */
export const findingKinds = ["drift", "condition", "revalidation", "break-glass"] as const;
export type FindingKind = (typeof findingKinds)[number];

/**
 * Who closes a finding. What an approval hangs on is closed by those who may decide on such an
 * approval, not by those whom it lets go on; everything else by the owner team.
 */
export function closersOf(
  request: { deciders: { groups: string[] }; excluded: { principal: string }[] } | null,
  ownerTeam: string,
): { groups: string[]; barred: string[] } {
  if (request === null) return { groups: [ownerTeam], barred: [] };
  return { groups: request.deciders.groups, barred: request.excluded.map((one) => one.principal) };
}
