import type { PrincipalId } from "./ids.ts";

export const roles = ["viewer", "engineer", "operator", "admin", "break-glass"] as const;
export type Role = (typeof roles)[number];

/** Who acts: a person or a machine, with the groups as read at this moment. */
export interface Principal {
  id: PrincipalId;
  kind: "person" | "machine";
  displayName: string;
  groups: string[];
  roles: Role[];
}

export const surfaces = ["api", "console", "cli", "slack", "temporal"] as const;
export type Surface = (typeof surfaces)[number];

/** What a token may be used for, where it is scoped; without scopes it may be used for all that its principal may do. */
export const scopes = ["read", "define", "release", "decide", "operate", "predict", "administer"] as const;
export type Scope = (typeof scopes)[number];

/** What each role may do besides reading; approving is by group and stands in the policy. */
export const rolePermissions: Record<
  "release" | "define" | "unblock" | "rollback" | "pause" | "close-finding" | "break-glass" | "propose",
  Role[]
> = {
  define: ["engineer", "admin"],
  release: ["engineer", "operator"],
  unblock: ["engineer", "operator"],
  rollback: ["operator", "break-glass", "engineer"],
  pause: ["operator", "engineer"],
  "break-glass": ["break-glass"],
  // Whose group may close which finding stands with the finding.
  "close-finding": ["viewer", "engineer", "operator", "admin"],
  // By group: the owners of the policy, and admins.
  propose: ["viewer", "engineer", "operator", "admin", "break-glass"],
};

export function mayDo(principal: Principal, action: keyof typeof rolePermissions): boolean {
  return rolePermissions[action].some((role) => principal.roles.includes(role));
}

/** Who runs the platform, and who must act at three in the morning on a model of any team. */
const seesEverything: readonly Role[] = ["operator", "admin", "break-glass"];

/** Everybody else reads by team and by what she decides on: `db/rights.ts`. */
export function readsEverything(principal: Pick<Principal, "roles">): boolean {
  return seesEverything.some((role) => principal.roles.includes(role));
}
