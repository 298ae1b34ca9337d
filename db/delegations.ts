import { sql } from "kysely";
import type { ModelName, PrincipalId } from "../domain/ids.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

export interface NewDelegation {
  id: string;
  from: PrincipalId;
  to: PrincipalId;
  model: ModelName | null;
  reason: string;
  since: Date;
  until: Date;
}

/** Gives a delegation, with its audit. */
export async function insertDelegation(db: Db, given: NewDelegation): Promise<Row<"delegations">> {
  const { id, from, to, model, reason, since, until } = given;
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto("delegations")
      .values({ id, from_principal: from, to_principal: to, model, reason, since, until, created_by: from })
      .returningAll()
      .executeTakeFirstOrThrow();
    const data = { from, to, model, reason, until: until.toISOString() };
    await appendAudit(trx, [{ kind: "delegation.given", actor: from, model, subject: id, data }]);
    return row;
  });
}

/** Revokes a delegation that stands; one that was revoked stays as it is. */
export async function endDelegation(db: Db, given: { id: string; by: PrincipalId; reason: string }): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const row = await trx
      .updateTable("delegations")
      .set({ revoked_at: sql`now()` })
      .where("id", "=", given.id)
      .where("revoked_at", "is", null)
      .returningAll()
      .executeTakeFirst();
    if (!row) return;
    const data = { from: row.from_principal, to: row.to_principal, reason: given.reason };
    await appendAudit(trx, [{ kind: "delegation.revoked", actor: given.by, model: row.model, subject: row.id, data }]);
  });
}

/** How many delegations of somebody stand. */
export async function countDelegations(db: Db, from: PrincipalId): Promise<number> {
  const { rows } = await sql<{ standing: number }>`
    select count(*)::int as standing from delegations where from_principal = ${from} and revoked_at is null and until > now()`.execute(
    db,
  );
  return rows[0]?.standing ?? 0;
}
