import { readableModels, type ReadScope } from "../db/rights.ts";
import { CountersignError } from "../domain/errors.ts";
import { mayDo, readsEverything, rolePermissions, type Principal, type Scope } from "../domain/principal.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";

/** What somebody may read, in the form that queries of one thing take. */
export function scopeOf(principal: Principal): ReadScope {
  return { principal: principal.id, groups: principal.groups, all: readsEverything(principal), models: null };
}

/** The same for queries of many. */
export async function listScopeOf({ db }: Pick<ControlContext, "db">, principal: Principal): Promise<ReadScope> {
  const scope = scopeOf(principal);
  return scope.all ? scope : { ...scope, models: await readableModels(db, scope) };
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
