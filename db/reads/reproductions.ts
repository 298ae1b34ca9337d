import type { VersionId } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";

/** The second trainings of a version, newest first. */
export function readReproductions(db: Db, version: VersionId, most: number): Promise<Row<"reproductions">[]> {
  return db
    .selectFrom("reproductions")
    .selectAll()
    .where("version_id", "=", version)
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(most)
    .execute();
}
