import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

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

/** A token that somebody makes for themselves. */
export async function insertToken(db: Db, token: NewToken): Promise<void> {
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
        created_by: token.principal,
        expires_at: token.expiresAt,
      })
      .execute();
    await appendAudit(trx, [
      {
        kind: "token.created",
        actor: token.principal,
        model: null,
        subject: token.principal,
        data: {
          token: token.id,
          kind: token.kind,
          name: token.name,
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
