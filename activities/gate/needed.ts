import type { Trx } from "../../db/database.ts";

/** Names of the release's gates that its policy did not need, as recorded when they came up. */
export async function readNotNeeded(trx: Trx, release: string): Promise<string[]> {
  const rows = await trx.selectFrom("gates_not_needed").select("name").where("release_id", "=", release).execute();
  return rows.map((row) => row.name);
}
