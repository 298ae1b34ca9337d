import type { Trx } from "../../db/database.ts";
import type { Principal } from "../../domain/principal.ts";

/** A principal with roles and groups as they are now; null when there is none or it was deactivated. */
export async function readPrincipal(trx: Trx, id: string): Promise<Principal | null> {
  const row = await trx.selectFrom("principals").selectAll().where("id", "=", id).executeTakeFirst();
  if (!row?.active) return null;
  const groups = await trx
    .selectFrom("group_members")
    .select("group_id")
    .where("principal_id", "=", id)
    .where("until", "is", null)
    .orderBy("group_id")
    .execute();
  return {
    id: row.id,
    kind: row.kind,
    displayName: row.display_name,
    roles: row.roles,
    groups: groups.map((group) => group.group_id),
  };
}
