import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";

/** Published policies by id, the newest version first. */
export async function readPolicies(db: Db, page: { limit: number; offset: number }): Promise<Row<"policies">[]> {
  return db
    .selectFrom("policies")
    .selectAll()
    .orderBy("id")
    .orderBy("version", "desc")
    .offset(page.offset)
    .limit(page.limit)
    .execute();
}
