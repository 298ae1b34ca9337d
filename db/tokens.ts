import { sql } from "kysely";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

export interface NewToken {
  id: string;
  principal: string;
  kind: "api" | "session";
  /** SHA-256 of the token, hex. */
  hash: string;
  name: string;
  scopes: string[];
  expiresAt: Date;
}

/** A token that somebody makes for themselves, or an admin for a machine (`by`). */
export async function insertToken(db: Db, token: NewToken, by = token.principal): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto("tokens")
      .values({
        id: token.id,
        principal_id: token.principal,
        kind: token.kind,
        hash: token.hash,
        name: token.name,
        scopes: token.scopes,
        created_by: by,
        expires_at: token.expiresAt,
      })
      .execute();
    await appendAudit(trx, [
      {
        kind: "token.created",
        actor: by,
        model: null,
        subject: token.principal,
        data: {
          token: token.id,
          kind: token.kind,
          name: token.name,
          scopes: token.scopes,
          expiresAt: token.expiresAt.toISOString(),
        },
      },
    ]);
  });
}

export async function revokeToken(db: Db, token: { id: string; by: string }): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const revoked = await trx
      .updateTable("tokens")
      .set({ revoked_at: new Date() })
      .where("id", "=", token.id)
      .where("revoked_at", "is", null)
      .returning("principal_id")
      .executeTakeFirst();
    if (!revoked) return;
    await appendAudit(trx, [
      {
        kind: "token.revoked",
        actor: token.by,
        model: null,
        subject: revoked.principal_id,
        data: { token: token.id },
      },
    ]);
  });
}

/** Tokens of one principal, the newest first; those that ended stay in the list. */
export async function listTokens(db: Db, page: { principal: string; limit: number; offset: number }): Promise<Row<"tokens">[]> {
  return db
    .selectFrom("tokens")
    .selectAll()
    .where("principal_id", "=", page.principal)
    .orderBy("created_at", "desc")
    .orderBy("id")
    .offset(page.offset)
    .limit(page.limit)
    .execute();
}

export async function findToken(db: Db, id: string): Promise<Row<"tokens"> | undefined> {
  return db.selectFrom("tokens").selectAll().where("id", "=", id).executeTakeFirst();
}

/** How many API tokens somebody made within the last hour, and how many of a principal's are valid. */
export async function countTokens(db: Db, of: { by: string; principal: string }): Promise<{ lastHour: number; valid: number }> {
  const { rows } = await sql<{ lastHour: number; valid: number }>`
    select count(*) filter (where created_by = ${of.by} and created_at > now() - interval '1 hour')::int as "lastHour",
      count(*) filter (where principal_id = ${of.principal} and revoked_at is null and expires_at > now())::int as valid
    from tokens where kind = 'api' and (created_by = ${of.by} or principal_id = ${of.principal})`.execute(db);
  return rows[0] ?? { lastHour: 0, valid: 0 };
}
