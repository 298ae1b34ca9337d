import { sql } from "kysely";
import type { Db } from "../database.ts";

/** Whether the database answers and has been migrated; throws when not. */
export async function pingDatabase(db: Db): Promise<void> {
  await sql`select seq from audit_head`.execute(db);
}
