import { sql } from "kysely";
import type { GateId, PrincipalId } from "../../domain/ids.ts";
import type { Db, Trx } from "../database.ts";
import { contributed, decides, heldGroups, isBarred } from "../rights.ts";

/**
 * Who may decide on a gate at present: active members of its groups (those that escalation may yet
 * add among them) since it opened, and the people it names, without those who contributed or are barred.
 */
export async function readPossibleDeciders(db: Db | Trx, gate: GateId): Promise<{ principal: PrincipalId; groups: string[] }[]> {
  const who = sql.ref("p.id");
  const groups = sql`(g.decider_groups || g.escalation_groups)`;
  const { rows } = await sql<{ principal: PrincipalId; groups: string[] }>`
    select p.id as principal, array(${heldGroups(who, groups)}) as groups
    from gates g, principals p
    where g.id = ${gate} and p.active and (p.kind = 'person' or g.machines_decide)
      and ${decides(who, groups)} and not ${isBarred(who)} and not ${contributed(who)}
    order by p.id`.execute(db);
  return rows;
}
