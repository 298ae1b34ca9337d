import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";

/** The slot of a model that takes commands. Throws `not-found`, `model-retired`. */
export async function readSlot(trx: Trx, model: string, environment: string): Promise<Row<"slots">> {
  const row = await trx.selectFrom("models").select("state").where("name", "=", model).executeTakeFirst();
  if (!row) throw new CountersignError("not-found", `There is no model ${model}.`);
  if (row.state === "retired") throw new CountersignError("model-retired", `${model} was retired.`);
  const slot = await trx
    .selectFrom("slots")
    .selectAll()
    .where("model", "=", model)
    .where("environment", "=", environment)
    .executeTakeFirst();
  if (!slot) throw new CountersignError("not-found", `${model} has no environment ${environment}.`);
  return slot;
}

/** The version that serves; null where none does. */
export async function readChampionVersion(
  trx: Trx,
  { model, environment }: { model: string; environment: string },
): Promise<string | null> {
  const slot = await trx
    .selectFrom("slots")
    .select("champion_version")
    .where("model", "=", model)
    .where("environment", "=", environment)
    .executeTakeFirst();
  return slot?.champion_version ?? null;
}
