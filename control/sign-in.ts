import { createHash, randomBytes } from "node:crypto";
import type { Db } from "../db/database.ts";
import { readToken } from "../db/reads/people.ts";
import { insertToken, revokeToken } from "../db/tokens.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Surface } from "../domain/principal.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";

/** Tokens are stored as their SHA-256: they are random, so no slow hash is needed. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** `cst_` and 256 random bits. */
export function newToken(): string {
  return `cst_${randomBytes(32).toString("base64url")}`;
}

/** Longer ones are refused unread. */
const longestToken = 4096;
const sessionMs = 12 * 60 * 60 * 1000;

type DbOf = Pick<ControlContext, "db">;

/** Who holds the API token, with the groups as they are now. Throws `unauthenticated`. */
export function authenticate({ db }: DbOf, token: string, surface: Surface): Promise<Caller> {
  return holderOf(db, token, { kind: "api", surface });
}

/** Who is signed in with this session. Throws `unauthenticated`. */
export function resumeSession({ db }: DbOf, session: string): Promise<Caller> {
  return holderOf(db, session, { kind: "session", surface: "console" });
}

/**
 * A session's secret is no bearer token: as one it would pass by the checks of a page's origin. Nor is a token a
 * session: a cookie that somebody planted would be valid without anybody having signed in.
 */
async function holderOf(db: Db, token: string, as: { kind: "api" | "session"; surface: Surface }): Promise<Caller> {
  const row = token === "" || token.length > longestToken ? null : await readToken(db, hashToken(token));
  if (row?.kind !== as.kind) throw new CountersignError("unauthenticated", "This token is unknown, expired or revoked.");
  const { id, kind, scopes, principal } = row;
  return { principal, surface: as.surface, token: { id, kind, scopes } };
}

/** A session for the pages, made by somebody who has a token. */
export async function startSession({ db, clock }: ControlContext, caller: Caller): Promise<{ token: string; expiresAt: string }> {
  const token = newToken();
  const expiresAt = new Date(clock().getTime() + sessionMs);
  await insertToken(db, {
    id: `tok_${randomBytes(12).toString("base64url")}`,
    principal: caller.principal.id,
    kind: "session",
    hash: hashToken(token),
    name: `session on the ${caller.surface}`,
    // A session can do no more than the token it was made from.
    scopes: caller.token.scopes,
    expiresAt,
  });
  return { token, expiresAt: expiresAt.toISOString() };
}

/** Ends a session; an API token stays. */
export async function endSession({ db }: ControlContext, caller: Caller): Promise<void> {
  if (caller.token.kind === "session") await revokeToken(db, { id: caller.token.id, by: caller.principal.id });
}
