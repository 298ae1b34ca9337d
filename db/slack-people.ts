import { sql } from "kysely";
import type { Principal, Role } from "../domain/principal.ts";
import { appendAudit } from "./audit.ts";
import type { Db, Trx } from "./database.ts";

/** A person of Slack: names on display decide nothing. */
export interface SlackPerson {
  team: string;
  user: string;
}

interface PrincipalRow {
  id: string;
  kind: Principal["kind"];
  display_name: string;
  roles: Role[];
  groups: string[];
}

/** The principal that a Slack user is linked to, with the groups as they are now; null for nobody, and for somebody deactivated. */
export async function readLinked(db: Db, { team, user }: SlackPerson): Promise<Principal | null> {
  const { rows } = await sql<PrincipalRow>`
    select p.id, p.kind, p.display_name, p.roles,
      array(select g.group_id from group_members g where g.principal_id = p.id and g.until is null order by g.group_id) as groups
    from slack_users s join principals p on p.id = s.principal_id
    where s.team_id = ${team} and s.user_id = ${user} and p.active`.execute(db);
  const [row] = rows;
  return row ? { id: row.id, kind: row.kind, displayName: row.display_name, roles: row.roles, groups: row.groups } : null;
}

/** The active person of an address that an admin vouches for. */
export async function readPersonByEmail(db: Db, email: string): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select p.id from notify_people n join principals p on p.id = n.principal_id
    where lower(n.email) = lower(${email}) and p.active and p.kind = 'person'`.execute(db);
  return rows[0]?.id ?? null;
}

export interface Link extends SlackPerson {
  principal: string;
  how: "link" | "directory" | "seed";
}

/** Links a Slack user, in place of whoever it was linked to before; on record. */
export async function link(db: Db, linked: Link): Promise<void> {
  await db.transaction().execute((trx) => writeLink(trx, linked));
}

async function writeLink(trx: Trx, { team, user, principal, how }: Link): Promise<void> {
  const before = await trx
    .selectFrom("slack_users")
    .select("principal_id")
    .where("team_id", "=", team)
    .where("user_id", "=", user)
    .forUpdate()
    .executeTakeFirst();
  if (before?.principal_id === principal) return;
  await trx
    .insertInto("slack_users")
    .values({ team_id: team, user_id: user, principal_id: principal, how })
    .onConflict((conflict) =>
      conflict.columns(["team_id", "user_id"]).doUpdateSet({ principal_id: principal, how, linked_at: new Date() }),
    )
    .execute();
  const about = { team, user };
  await appendAudit(trx, [
    ...(before
      ? [
          {
            kind: "slack.unlinked" as const,
            actor: principal,
            model: null,
            subject: before.principal_id,
            data: { ...about, why: `linked to ${principal}` },
          },
        ]
      : []),
    {
      kind: "slack.linked",
      actor: how === "link" ? principal : "countersign",
      model: null,
      subject: principal,
      data: { ...about, how },
    },
  ]);
}

/** Ends one's own link; gives whether there was one. */
export async function unlink(db: Db, { team, user, principal }: SlackPerson & { principal: string }): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const gone = await trx
      .deleteFrom("slack_users")
      .where("team_id", "=", team)
      .where("user_id", "=", user)
      .where("principal_id", "=", principal)
      .returning("principal_id")
      .executeTakeFirst();
    if (!gone) return false;
    await appendAudit(trx, [
      { kind: "slack.unlinked", actor: principal, model: null, subject: principal, data: { team, user, why: "by the person" } },
    ]);
    return true;
  });
}

export async function insertLinkCode(
  db: Db,
  code: SlackPerson & { hash: string; userName: string; expiresAt: Date },
): Promise<void> {
  await db
    .insertInto("slack_links")
    .values({ hash: code.hash, team_id: code.team, user_id: code.user, user_name: code.userName, expires_at: code.expiresAt })
    .execute();
}

/** For whom a code stands, while it can be used. */
export async function readLinkCode(db: Db, hash: string): Promise<(SlackPerson & { userName: string }) | null> {
  const { rows } = await sql<{ team: string; user: string; userName: string }>`
    select team_id as team, user_id as "user", user_name as "userName" from slack_links
    where hash = ${hash} and used_at is null and expires_at > now()`.execute(db);
  return rows[0] ?? null;
}

/** Uses a code up and links; null when it was used, is too old, or never was. */
export async function useLinkCode(db: Db, { hash, principal }: { hash: string; principal: string }): Promise<SlackPerson | null> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<SlackPerson>`
      update slack_links set used_at = now(), used_by = ${principal}
      where hash = ${hash} and used_at is null and expires_at > now()
      returning team_id as team, user_id as "user"`.execute(trx);
    const [person] = rows;
    if (!person) return null;
    await writeLink(trx, { ...person, principal, how: "link" });
    return person;
  });
}

export async function readLinksOf(db: Db, principal: string): Promise<SlackPerson[]> {
  return db
    .selectFrom("slack_users")
    .select(["team_id as team", "user_id as user"])
    .where("principal_id", "=", principal)
    .orderBy("linked_at")
    .execute();
}

/** Takes a request's signature; false when it was taken before. */
export async function takeSignature(db: Db, signature: string): Promise<boolean> {
  const taken = await db
    .insertInto("slack_requests")
    .values({ signature })
    .onConflict((conflict) => conflict.doNothing())
    .returning("signature")
    .executeTakeFirst();
  return taken !== undefined;
}

/** Signatures of requests that are refused by their age anyway. */
export async function forgetSignatures(db: Db, olderThanMs: number): Promise<void> {
  await sql`delete from slack_requests where at < now() - ${olderThanMs} * interval '1 millisecond'`.execute(db);
}
