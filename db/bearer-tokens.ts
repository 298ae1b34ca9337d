import { sql } from "kysely";
import type { Principal, Role } from "../domain/principal.ts";
import type { Db } from "./database.ts";

/** Who holds the API token with this SHA-256 (hex), with the groups as they are now; null for an unknown, expired or revoked one. */
export async function readTokenHolder(db: Db, hash: string): Promise<Principal | null> {
  const { rows } = await sql<{ id: string; kind: Principal["kind"]; display_name: string; roles: Role[]; groups: string[] }>`
    select p.id, p.kind, p.display_name, p.roles,
      array(select g.group_id from group_members g where g.principal_id = p.id and g.until is null order by g.group_id) as groups
    from tokens t join principals p on p.id = t.principal_id
    where t.hash = ${hash} and t.kind = 'api' and t.revoked_at is null and t.expires_at > now() and p.active`.execute(db);
  const [row] = rows;
  return row === undefined
    ? null
    : { id: row.id, kind: row.kind, displayName: row.display_name, roles: row.roles, groups: row.groups };
}
