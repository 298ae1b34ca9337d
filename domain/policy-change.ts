import type { GateRule, Policy } from "./policy.ts";
import { maturities } from "./policy.ts";
import { choosePolicy, newestVersions, type PublishedPolicy } from "./policy-choice.ts";
import type { Principal } from "./principal.ts";

/**
 * The policies in whose place a new one steps: its own version before, and whatever governs now what
 * it would govern. Its change passes a gate of theirs: no new id and no other maturity goes around one.
 */
export function policiesReplaced(published: readonly PublishedPolicy[], proposed: Policy): Policy[] {
  const before = newestVersions(published).find(({ policy }) => policy.id === proposed.id)?.policy;
  const inForce = (proposed.maturities ?? maturities).flatMap((maturity) =>
    (proposed.teams ?? [""]).map((team) => choosePolicy(published, { tier: proposed.tier, maturity, team })),
  );
  const all = [before ?? null, ...inForce].filter((policy) => policy !== null);
  return [...new Map(all.map((policy) => [policy.id, policy])).values()];
}

/** The strictest change gate among them, by approvals and then by maturity; null where none asks for one. */
export function changeGate(replaced: readonly Policy[]): { policy: Policy; rule: GateRule } | null {
  const [strictest] = replaced
    .flatMap((policy) => (policy.change ? [{ policy, rule: policy.change }] : []))
    .toSorted(
      (one, other) =>
        other.rule.quorum - one.rule.quorum ||
        (other.rule.oneFromEach?.length ?? 0) - (one.rule.oneFromEach?.length ?? 0) ||
        rank(other.policy) - rank(one.policy) ||
        one.policy.id.localeCompare(other.policy.id),
    );
  return strictest ?? null;
}

function rank(policy: Policy): number {
  return Math.max(...(policy.maturities ?? maturities).map((maturity) => maturities.indexOf(maturity)));
}

/** Why somebody may not propose a version, or null: admins do, and members of the group that owns the present one. */
export function refuseProposer(principal: Pick<Principal, "id" | "groups" | "roles">, owner: string | undefined): string | null {
  if (principal.roles.includes("admin") || (owner !== undefined && principal.groups.includes(owner))) return null;
  return `A policy is proposed by an admin${owner === undefined ? "" : ` or a member of ${owner}, who own it`}; ${principal.id} is in ${principal.groups.join(", ") || "no group"}.`;
}
