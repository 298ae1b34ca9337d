import type { PrincipalId } from "../../domain/ids.ts";
import type { Db, Trx } from "../database.ts";
import type { Row } from "../schema.ts";

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
