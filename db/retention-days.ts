import { sql } from "kysely";
import { addRemoved, type Removed } from "../domain/retention.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

const today = sql<string>`(now() at time zone 'UTC')::date`;

/** Adds to what was removed today; `collected`: the artifacts were looked through. */
export async function noteRemoved(db: Db, removed: Removed, { collected = false } = {}): Promise<void> {
  if (Object.keys(removed).length === 0 && !collected) return;
  await db.transaction().execute(async (trx) => {
    await sql`insert into retention_days (day, removed) values (${today}, '{}') on conflict do nothing`.execute(trx);
    const row = await trx
      .selectFrom("retention_days")
      .select("removed")
      .where("day", "=", today)
      .forUpdate()
      .executeTakeFirstOrThrow();
    await trx
      .updateTable("retention_days")
      .set({ removed: JSON.stringify(addRemoved(row.removed, removed)), ...(collected && { collected_at: sql<Date>`now()` }) })
      .where("day", "=", today)
      .execute();
  });
}

export async function isCollectedToday(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom("retention_days")
    .select("day")
    .where("day", "=", today)
    .where("collected_at", "is not", null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Puts on the audit chain what went on each day that is over: one record a day, none where nothing went. */
export async function tellDays(db: Db): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom("retention_days")
      .select([sql<string>`day::text`.as("day"), "removed"])
      .where("day", "<", today)
      .where("told_at", "is", null)
      .orderBy("day")
      .forUpdate()
      .execute();
    if (rows.length === 0) return;
    await trx
      .updateTable("retention_days")
      .set({ told_at: sql<Date>`now()` })
      .where("day", "<", today)
      .where("told_at", "is", null)
      .execute();
    const telling = rows.filter(({ removed }) => Object.keys(removed).length > 0);
    await appendAudit(
      trx,
      telling.map(({ day, removed }) => ({
        kind: "retention.swept" as const,
        actor: "countersign" as const,
        model: null,
        subject: "retention",
        data: { day, removed },
      })),
    );
  });
}
