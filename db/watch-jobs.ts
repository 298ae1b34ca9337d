import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

/** The row that says how often the watch is meant to look. */
const scheduleRow = "schedule";

/** Keeps how a look of one job ended; `fault` null when it succeeded. */
export async function noteLook(db: Db, { job, fault }: { job: string; fault: string | null }): Promise<void> {
  const now = new Date();
  const looked = { looked_at: now, fault, ...(fault === null && { succeeded_at: now }) };
  await db
    .insertInto("watch_jobs")
    .values({ job, ...looked })
    .onConflict((conflict) => conflict.column("job").doUpdateSet(looked))
    .execute();
}

/** How often the watch is meant to look, as the worker that set up its schedule was told. */
export async function noteInterval(db: Db, everySeconds: number): Promise<void> {
  const wanted = { looked_at: new Date(), every_seconds: everySeconds };
  await db
    .insertInto("watch_jobs")
    .values({ job: scheduleRow, ...wanted })
    .onConflict((conflict) => conflict.column("job").doUpdateSet(wanted))
    .execute();
}

export async function readInterval(db: Db): Promise<number | null> {
  const row = await db.selectFrom("watch_jobs").select("every_seconds").where("job", "=", scheduleRow).executeTakeFirst();
  return row?.every_seconds ?? null;
}

export function readLooks(db: Db): Promise<Row<"watch_jobs">[]> {
  return db.selectFrom("watch_jobs").selectAll().where("job", "<>", scheduleRow).orderBy("job").execute();
}
