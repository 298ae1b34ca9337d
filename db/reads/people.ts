import { sql } from "kysely";
import type { Principal, Role } from "../../domain/principal.ts";
import type { Db } from "../database.ts";

export interface TokenRow {
  id: string;
  kind: "api" | "session";
  scopes: string[];
  principal: Principal;
}

/** Who holds the token with this SHA-256 (hex), with the groups as they are now; null for an unknown, expired or revoked one. */
export async function readToken(db: Db, hash: string): Promise<TokenRow | null> {
  const { rows } = await sql<
    Omit<TokenRow, "principal"> & {
      person: string;
      person_kind: Principal["kind"];
      display_name: string;
      roles: Role[];
      groups: string[];
    }
  >`
    select t.id, t.kind, t.scopes, p.id as person, p.kind as person_kind, p.display_name, p.roles,
      array(select g.group_id from group_members g where g.principal_id = p.id and g.until is null order by g.group_id) as groups
    from tokens t join principals p on p.id = t.principal_id
    where t.hash = ${hash} and t.revoked_at is null and t.expires_at > now() and p.active`.execute(db);
  const [row] = rows;
  if (!row) return null;
  const { id, kind, scopes, person, person_kind, display_name, roles, groups } = row;
  return {
    id,
    kind,
    scopes,
    principal: { id: person, kind: person_kind, displayName: display_name, roles, groups },
  };
}

export interface MemberRow {
  group: string;
  principal: string;
  kind: "person" | "machine";
  displayName: string;
  since: Date;
}

/** Present members of the groups after `after` (by name; only of these, unless null), `limit` groups at most; a group without members has no row. */
export async function readGroups(
  db: Db,
  page: { limit: number; after: string | null; only: string[] | null },
): Promise<{ groups: string[]; members: MemberRow[] }> {
  const groups = await db
    .selectFrom("groups")
    .select("id")
    .where("id", ">", page.after ?? "")
    .where((where) => (page.only === null ? where.lit(true) : where("id", "in", [...page.only, ""])))
    .orderBy("id")
    .limit(page.limit)
    .execute();
  const ids = groups.map((row) => row.id);
  if (ids.length === 0) return { groups: [], members: [] };
  const members = await db
    .selectFrom("group_members as b")
    .innerJoin("principals as p", "p.id", "b.principal_id")
    .select(["b.group_id as group", "p.id as principal", "p.kind", "p.display_name as displayName", "b.since"])
    .where("b.group_id", "in", ids)
    .where("b.until", "is", null)
    .orderBy("p.id")
    .execute();
  return { groups: ids, members };
}

/** Which of the owner's team and person that a definition names are unknown. */
export async function readOwner(db: Db, owner: { team: string; person: string }): Promise<{ team: boolean; person: boolean }> {
  const [team, person] = await Promise.all([
    db.selectFrom("groups").select("id").where("id", "=", owner.team).executeTakeFirst(),
    db
      .selectFrom("principals")
      .select("id")
      .where("id", "=", owner.person)
      .where("kind", "=", "person")
      .where("active", "=", true)
      .executeTakeFirst(),
  ]);
  return { team: team !== undefined, person: person !== undefined };
}

export async function readPrincipalKind(db: Db, principal: string): Promise<Principal["kind"]> {
  const row = await db.selectFrom("principals").select("kind").where("id", "=", principal).executeTakeFirst();
  // Somebody unknown gets the fewer rights.
  return row?.kind ?? "machine";
}

/** Who holds a token at this moment, with the groups as they are now; null once it ended or its holder left. */
export async function readHolder(db: Db, token: string): Promise<Principal | null> {
  const row = await db.selectFrom("tokens").select("hash").where("id", "=", token).executeTakeFirst();
  return row ? ((await readToken(db, row.hash))?.principal ?? null) : null;
}

/** Which of these are here and hold no valid API token. */
export async function readWithoutToken(db: Db, ids: string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select p.id from principals p where p.id = any(${ids}::text[]) and p.active and not exists (
      select 1 from tokens t where t.principal_id = p.id and t.kind = 'api' and t.revoked_at is null and t.expires_at > now())
    order by p.id`.execute(db);
  return rows.map((row) => row.id);
}
