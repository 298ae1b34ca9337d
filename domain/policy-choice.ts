import type { Maturity, Policy, Tier } from "./policy.ts";
import type { Timestamp } from "./ids.ts";

/** What a policy is chosen for. */
export interface PolicyScope {
  tier: Tier;
  maturity: Maturity;
  /** The team that owns the model. */
  team: string;
}

export interface PublishedPolicy {
  policy: Policy;
  publishedAt: Timestamp;
}

/**
 * The policy in force: of the newest version of each, those that fit; one that names the team goes
 * before one that does not, then one that names the maturity, then the newest. Null when none fits.
 */
export function choosePolicy(published: readonly PublishedPolicy[], scope: PolicyScope): Policy | null {
  const fitting = newestVersions(published).filter(({ policy }) => fits(policy, scope));
  const [best] = fitting.toSorted(
    (one, other) =>
      Number(other.policy.teams !== undefined) - Number(one.policy.teams !== undefined) ||
      Number(other.policy.maturities !== undefined) - Number(one.policy.maturities !== undefined) ||
      other.publishedAt.localeCompare(one.publishedAt) ||
      one.policy.id.localeCompare(other.policy.id),
  );
  return best?.policy ?? null;
}

export function newestVersions(published: readonly PublishedPolicy[]): PublishedPolicy[] {
  const newest = new Map<string, PublishedPolicy>();
  for (const one of published) {
    const before = newest.get(one.policy.id);
    if (!before || before.policy.version < one.policy.version) newest.set(one.policy.id, one);
  }
  return [...newest.values()];
}

function fits(policy: Policy, { tier, maturity, team }: PolicyScope): boolean {
  return (
    policy.tier === tier &&
    (policy.maturities === undefined || policy.maturities.includes(maturity)) &&
    (policy.teams === undefined || policy.teams.includes(team))
  );
}
