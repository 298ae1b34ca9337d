import { randomBytes } from "node:crypto";
import { countTokens, findToken, insertToken, listTokens, revokeToken } from "../db/tokens.ts";
import type { Row } from "../db/schema.ts";
import { CountersignError, type Fault } from "../domain/errors.ts";
import { longestTokenDays, tokenRequestSchema, type TokenMadeView, type TokenView } from "../domain/http/people-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import type { PrincipalId } from "../domain/ids.ts";
import { scopes } from "../domain/principal.ts";
import type { Answer } from "./answer.ts";
import type { Asked, Caller, Sent } from "./caller.ts";
import { refuseOnRecord } from "./command-run.ts";
import type { PageInput } from "./filters.ts";
import { numberOf, pageOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { presentPeople, refuseFaults } from "./people.ts";
import { notFound, requireScope } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";
import { hashToken, newToken } from "./sign-in.ts";

const dayMs = 24 * 60 * 60 * 1000;
/** A loop that makes tokens is stopped long before it is noticed otherwise. */
const mostAnHour = 20;
const mostValid = 50;

/** One's own tokens; for admins those of a named principal. Never the token itself. */
export async function readTokens(
  context: ControlContext,
  caller: Caller,
  filter: PageInput & { principal?: PrincipalId | undefined },
): Promise<Page<TokenView>> {
  requireScope(caller, "read");
  const principal = filter.principal ?? caller.principal.id;
  if (principal !== caller.principal.id && !isAdmin(caller)) throw notFound("principal", principal);
  const offset = numberOf(filter.after);
  const rows = await listTokens(context.db, { principal, limit: filter.limit + 1, offset });
  return pageOf(rows, filter.limit, { item: tokenView, cursor: () => [offset + filter.limit] });
}

/**
 * Makes a token for oneself, or as an admin for a machine; nobody makes one for another person. The
 * token is in the first answer alone: what is kept of the command holds none.
 */
export async function makeToken(context: ControlContext, { caller, sent }: Omit<Asked, "about">): Promise<Answer<TokenMadeView>> {
  requireScope(caller, "administer");
  const body = checkBody(tokenRequestSchema, sent.body);
  const principal = body.principal ?? caller.principal.id;
  refuseFaults(faultsOf(context, caller, body));
  await limitRate(context, caller, principal);
  const token = newToken();
  const answer = await runOnce<TokenMadeView>(context, { caller, route: "POST /api/tokens", key: sent.key, body }, async () => {
    const refusal = await tokenRefusal(context, caller, principal);
    if (refusal) return refuseOnRecord(context, { caller, kind: "make-token", subject: principal, model: null, error: refusal });
    const id = `tok_${randomBytes(12).toString("base64url")}`;
    const { name, scopes: wanted, expiresAt } = body;
    const made = { id, principal, kind: "api" as const, hash: hashToken(token), name, scopes: wanted };
    await insertToken(context.db, { ...made, expiresAt: new Date(expiresAt) }, caller.principal.id);
    const row = await findToken(context.db, id);
    if (!row) throw new Error(`The token ${id} was not kept.`);
    return { kind: "done", status: 201, value: { ...tokenView(row), token: null } };
  });
  if (answer.kind !== "done" || answer.replayed) return answer;
  const value = { ...answer.value, token };
  return { ...answer, value, body: JSON.stringify(value) };
}

/** Before the command begins: that it was too soon is not kept as its answer. Throws `too-many-requests`. */
async function limitRate(context: ControlContext, caller: Caller, principal: PrincipalId): Promise<void> {
  const by = caller.principal.id;
  const { lastHour } = await countTokens(context.db, { by, principal });
  if (lastHour < mostAnHour) return;
  throw new CountersignError("too-many-requests", `${by} made ${lastHour} tokens within the hour.`, {
    extra: { retryAfterSeconds: 600 },
  });
}

function faultsOf(context: ControlContext, caller: Caller, body: { scopes: string[]; expiresAt: string }): Fault[] {
  const faults: Fault[] = [];
  const own = caller.token.scopes;
  for (const [index, scope] of body.scopes.entries())
    if (!scopes.some((one) => one === scope))
      faults.push({ path: `scopes.${index}`, message: `is none of ${scopes.join(", ")}` });
    else if (own.length > 0 && !own.includes(scope))
      faults.push({ path: `scopes.${index}`, message: "is not a scope of the token that asks" });
  if (own.length > 0 && body.scopes.length === 0)
    faults.push({ path: "scopes", message: `must be some of ${own.join(", ")}, which the token that asks is for` });
  const left = Date.parse(body.expiresAt) - context.clock().getTime();
  if (left <= 0) faults.push({ path: "expiresAt", message: "has passed already" });
  if (left > longestTokenDays * dayMs) faults.push({ path: "expiresAt", message: "is more than a year away" });
  return faults;
}

async function tokenRefusal(context: ControlContext, caller: Caller, principal: PrincipalId): Promise<CountersignError | null> {
  const present = await presentPeople(context);
  const holder = present.principals.find((one) => one.id === principal);
  if (principal !== caller.principal.id) {
    if (!isAdmin(caller))
      return new CountersignError("forbidden", "You make tokens for yourself; an admin makes those of machines.");
    if (!holder) return new CountersignError("not-found", `There is no principal ${principal}.`);
    if (holder.kind === "person")
      return new CountersignError("forbidden", `${principal} is a person, and nobody makes a token for another person.`);
  }
  if (!holder?.active) return new CountersignError("forbidden", `${principal} has left.`);
  const { valid } = await countTokens(context.db, { by: caller.principal.id, principal });
  if (valid >= mostValid)
    return new CountersignError("forbidden", `${principal} has ${valid} valid tokens; revoke some that are not used.`);
  return null;
}

/** Ends a token at once: one's own, or as an admin anybody's. */
export async function endToken(
  context: ControlContext,
  { caller, about: id, sent }: { caller: Caller; about: string; sent: Pick<Sent, "key"> },
): Promise<Answer<TokenView>> {
  requireScope(caller, "administer");
  const row = await findToken(context.db, id);
  const mine = row?.principal_id === caller.principal.id;
  if (!row || !(mine || isAdmin(caller))) throw notFound("token", id);
  const once = { caller, route: `POST /api/tokens/${id}/revoke`, key: sent.key, body: {} };
  return runOnce<TokenView>(context, once, async () => {
    await revokeToken(context.db, { id, by: caller.principal.id });
    const after = await findToken(context.db, id);
    return { kind: "done", status: 200, value: tokenView(after ?? row) };
  });
}

function isAdmin({ principal }: Caller): boolean {
  return principal.kind === "person" && principal.roles.includes("admin");
}

function tokenView(row: Row<"tokens">): TokenView {
  return {
    id: row.id,
    principal: row.principal_id,
    kind: row.kind,
    name: row.name,
    scopes: row.scopes,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}
