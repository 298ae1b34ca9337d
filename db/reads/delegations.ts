import { sql } from "kysely";
import type { ModelName, PrincipalId, Timestamp } from "../../domain/ids.ts";
import type { Db, Trx } from "../database.ts";
import type { Row } from "../schema.ts";

/** Somebody for whom another may decide, with the groups that the giver held since the opening and still holds. */
export interface StandingDelegation {
  from: PrincipalId;
  groupsHeld: string[];
}

/**
 * The delegations to `to` that stand at `at` and cover the model: of active people, each with the
 * giver's own groups (what others delegated to the giver is no group of hers, so nothing is passed on).
 */
export async function readDelegations(
  db: Db | Trx,
  wanted: { to: PrincipalId; model: ModelName | null; at: Timestamp; opening: Timestamp },
): Promise<StandingDelegation[]> {
  const { to, model, at, opening } = wanted;
  const { rows } = await sql<StandingDelegation>`
    select d.from_principal as "from",
      array(select b.group_id from group_members b where b.principal_id = d.from_principal
        and b.since <= ${opening}::timestamptz and (b.until is null or b.until > ${at}::timestamptz) order by b.group_id) as "groupsHeld"
    from delegations d join principals f on f.id = d.from_principal and f.active and f.kind = 'person'
    where d.to_principal = ${to} and d.since <= ${at}::timestamptz and d.until >= ${at}::timestamptz
      and (d.revoked_at is null or d.revoked_at > ${at}::timestamptz)
      and (d.model is null or d.model = ${model})
    order by d.since, d.id`.execute(db);
  return rows;
}

/** Delegations given by or to somebody, or all of them for `principal` null; newest first. Ended ones stay in the list. */
export async function listDelegations(
  db: Db | Trx,
  page: { principal: PrincipalId | null; limit: number; offset: number },
): Promise<Row<"delegations">[]> {
  const { principal, limit, offset } = page;
  return db
    .selectFrom("delegations")
    .selectAll()
    .where((where) =>
      principal === null
        ? where.lit(true)
        : where.or([where("from_principal", "=", principal), where("to_principal", "=", principal)]),
    )
    .orderBy("since", "desc")
    .orderBy("id")
    .offset(offset)
    .limit(limit)
    .execute();
}

export async function readDelegation(db: Db | Trx, id: string): Promise<Row<"delegations"> | undefined> {
  return db.selectFrom("delegations").selectAll().where("id", "=", id).executeTakeFirst();
}
