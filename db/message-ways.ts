import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

/** How a way stands: `ok`, or what is wrong and what cures it. */
export type WayState = Pick<Row<"message_ways">, "way" | "code" | "detail" | "cure">;

export async function noteWay(db: Db, state: WayState): Promise<void> {
  await db
    .insertInto("message_ways")
    .values(state)
    .onConflict((conflict) => conflict.column("way").doUpdateSet({ ...state, at: new Date() }))
    .execute();
}

/** Faults of one place: that another place works does not cure them. */
const placeCodes = ["not_in_channel", "channel_not_found", "is_archived"];

/** A use at this place worked. What is wrong with another place goes on to be told. */
export async function noteWayUp(db: Db, way: WayState["way"], place: string): Promise<void> {
  const up = { code: "ok", detail: "delivers", cure: "", at: new Date() };
  await db
    .insertInto("message_ways")
    .values({ way, ...up })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .updateTable("message_ways")
    .set(up)
    .where("way", "=", way)
    .where("code", "<>", "ok")
    .where((eb) => eb.or([eb("code", "not in", placeCodes), eb("detail", "like", `%${place}%`)]))
    .execute();
}

export async function readWays(db: Db): Promise<Row<"message_ways">[]> {
  return db.selectFrom("message_ways").selectAll().orderBy("way").execute();
}

/** What is not set up (any more) is not told. */
export async function forgetWay(db: Db, way: WayState["way"]): Promise<void> {
  await db.deleteFrom("message_ways").where("way", "=", way).execute();
}
