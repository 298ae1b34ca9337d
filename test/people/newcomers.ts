import { randomBytes } from "node:crypto";
import { hashToken, newToken } from "../../control/sign-in.ts";
import type { Db } from "../../db/database.ts";
import { insertToken } from "../../db/tokens.ts";

/** Somebody's first token, as who holds the database makes it; from then on the door knows her by it. */
export async function firstToken(door: { db: Db; tokens: Record<string, string> }, principal: string): Promise<string> {
  const token = newToken();
  await insertToken(door.db, {
    id: `tok_${randomBytes(6).toString("hex")}`,
    principal,
    kind: "api",
    hash: hashToken(token),
    name: "first token",
    scopes: [],
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  door.tokens[principal] = token;
  return token;
}
