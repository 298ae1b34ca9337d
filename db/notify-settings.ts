import { sql } from "kysely";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

export type SettingsRow = Row<"notify_settings">;

export async function readSettings(db: Db, team: string): Promise<SettingsRow | null> {
  return (await db.selectFrom("notify_settings").selectAll().where("team", "=", team).executeTakeFirst()) ?? null;
}

export async function readAllSettings(db: Db): Promise<SettingsRow[]> {
  return db.selectFrom("notify_settings").selectAll().orderBy("team").execute();
}

export async function groupExists(db: Db, group: string): Promise<boolean> {
  return (await db.selectFrom("groups").select("id").where("id", "=", group).executeTakeFirst()) !== undefined;
}

export type SettingsChange = Omit<SettingsRow, "changed_at">;

/** What a team is told by, whole; on record, the sealed secret left out. */
export async function writeSettings(db: Db, change: SettingsChange): Promise<SettingsRow> {
  return db.transaction().execute(async (trx) => {
    const { team, ...rest } = change;
    const row = await trx
      .insertInto("notify_settings")
      .values({ team, ...rest })
      .onConflict((conflict) => conflict.column("team").doUpdateSet({ ...rest, changed_at: new Date() }))
      .returningAll()
      .executeTakeFirstOrThrow();
    await appendAudit(trx, [
      {
        kind: "notify.changed",
        actor: change.changed_by,
        model: null,
        subject: team,
        data: {
          slack: change.slack_channel === null ? null : { team: change.slack_team, channel: change.slack_channel },
          emails: change.emails.length,
          webhook: change.webhook_url,
        },
      },
    ]);
    return row;
  });
}

export interface PersonSettings {
  email: string | null;
  direct: boolean;
}

export async function readPersonSettings(db: Db, principal: string): Promise<PersonSettings> {
  const row = await db
    .selectFrom("notify_people")
    .select(["email", "direct"])
    .where("principal_id", "=", principal)
    .executeTakeFirst();
  return row ?? { email: null, direct: false };
}

/** Changes what is given; on record, addresses left out. */
export async function writePersonSettings(
  db: Db,
  { principal, by, ...change }: { principal: string; by: string } & Partial<PersonSettings>,
): Promise<PersonSettings> {
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto("notify_people")
      .values({ principal_id: principal, email: change.email ?? null, direct: change.direct ?? false })
      .onConflict((conflict) => conflict.column("principal_id").doUpdateSet({ ...change, changed_at: new Date() }))
      .returning(["email", "direct"])
      .executeTakeFirstOrThrow();
    await appendAudit(trx, [
      {
        kind: "notify.changed",
        actor: by,
        model: null,
        subject: principal,
        data: { direct: row.direct, email: row.email !== null },
      },
    ]);
    return row;
  });
}

export async function principalExists(db: Db, principal: string): Promise<boolean> {
  const row = await db
    .selectFrom("principals")
    .select("id")
    .where("id", "=", principal)
    .where("active", "=", true)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether somebody else has the address already. */
export async function emailTaken(db: Db, { email, principal }: { email: string; principal: string }): Promise<boolean> {
  const { rows } =
    await sql`select 1 from notify_people where lower(email) = lower(${email}) and principal_id <> ${principal}`.execute(db);
  return rows.length > 0;
}

export interface Reachable {
  principal: string;
  email: string | null;
  direct: boolean;
  slack: { team: string; user: string } | null;
}

/** How the active people of these groups, and those named, can be told themselves. */
export async function readReachable(db: Db, who: { groups: string[]; people: string[] }): Promise<Reachable[]> {
  const { rows } = await sql<{
    principal: string;
    email: string | null;
    direct: boolean;
    team: string | null;
    user: string | null;
  }>`
    select distinct on (p.id) p.id as principal, n.email, coalesce(n.direct, false) as direct, s.team_id as team, s.user_id as "user"
    from principals p
    left join notify_people n on n.principal_id = p.id
    left join slack_users s on s.principal_id = p.id
    where p.active and p.kind = 'person' and (p.id = any(${who.people}::text[]) or exists (
      select 1 from group_members g where g.principal_id = p.id and g.until is null and g.group_id = any(${who.groups}::text[])))
    order by p.id, s.linked_at desc nulls last`.execute(db);
  return rows.map(({ principal, email, direct, team, user }) => ({
    principal,
    email,
    direct,
    slack: team === null || user === null ? null : { team, user },
  }));
}
