import type { ReadScope } from "../db/reads/scope.ts";
import { CountersignError } from "../domain/errors.ts";
import { mayDo, mayRead, rolePermissions, type Principal, type Scope } from "../domain/principal.ts";
import type { Caller } from "./caller.ts";

/** What somebody may read, in the form that queries take; the rule itself is `mayRead`. */
export function scopeOf(principal: Principal): ReadScope {
  const nobodys = { ownerTeam: "", deciderGroups: [] };
  return {
    all: mayRead(principal, nobodys),
    groups: principal.groups,
    principal: principal.id,
  };
}

export function notFound(what: string, id: string): CountersignError {
  return new CountersignError("not-found", `There is no ${what} ${id}, or you may not see it.`);
}

/** Throws `forbidden` unless the token is for this. A token without scopes is for all that its principal may do. */
export function requireScope(caller: Caller, scope: Scope): void {
  const { scopes } = caller.token;
  if (scopes.length > 0 && !scopes.includes(scope))
    throw new CountersignError("forbidden", `This token is for ${scopes.join(", ")} only; this needs the scope ${scope}.`);
}

/** Why the role does not allow it, or null. */
export function roleRefusal(principal: Principal, action: keyof typeof rolePermissions): CountersignError | null {
  if (mayDo(principal, action)) return null;
  return new CountersignError(
    "forbidden",
    `${principal.id} may not do this: it needs the role ${rolePermissions[action].join(" or ")}.`,
  );
}
