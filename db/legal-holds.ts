import { sql } from "kysely";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

/** Keeps what is about a model from being removed by age, or ends that; on record. */
export async function setHold(
  db: Db,
  { model, held, why, by }: { model: string; held: boolean; why: string; by: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.insertInto("legal_holds").values({ model, held, why, by }).execute();
    const kind = held ? "hold.placed" : "hold.lifted";
    await appendAudit(trx, [{ kind, actor: by, model, subject: model, data: { why } }]);
  });
}

export async function readHeld(db: Db): Promise<string[]> {
  const { rows } = await sql<{ model: string }>`
    select model from (select distinct on (model) model, held from legal_holds order by model, number desc) as newest
    where held order by model`.execute(db);
  return rows.map(({ model }) => model);
}
