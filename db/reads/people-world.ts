import type { PeopleWorld } from "../../domain/policy-world.ts";
import type { Db } from "../database.ts";

/** All groups, and everybody active with the groups of this moment. A company has some thousands of people at most. */
export async function readPeopleWorld(db: Db): Promise<PeopleWorld> {
  const groups = await db.selectFrom("groups").select("id").orderBy("id").execute();
  const rows = await db
    .selectFrom("principals as p")
    .leftJoin("group_members as b", (join) => join.onRef("b.principal_id", "=", "p.id").on("b.until", "is", null))
    .select(["p.id", "p.kind", "b.group_id"])
    .where("p.active", "=", true)
    .orderBy("p.id")
    .orderBy("b.group_id")
    .execute();
  return {
    groups: groups.map((row) => row.id),
    principals: [...Map.groupBy(rows, (row) => row.id)].map(([id, memberships]) => ({
      id,
      kind: memberships[0]?.kind ?? "machine",
      groups: memberships.flatMap((row) => (row.group_id === null ? [] : [row.group_id])),
    })),
  };
}
