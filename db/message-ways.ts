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

export async function readWays(db: Db): Promise<Row<"message_ways">[]> {
  return db.selectFrom("message_ways").selectAll().orderBy("way").execute();
}

/** What is not set up (any more) is not told. */
export async function forgetWay(db: Db, way: WayState["way"]): Promise<void> {
  await db.deleteFrom("message_ways").where("way", "=", way).execute();
}
