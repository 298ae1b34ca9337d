import { readConfig } from "../bin/config.ts";
import { createDatabase } from "../db/database.ts";
import { setHold } from "../db/legal-holds.ts";

/**
 * Keeps everything about a model from being removed by age, or ends that:
 *
 *   node deploy/hold.ts <model> place|lift <who> <why>
 *
 * It takes the database's password; the audit chain keeps who and why as they were given.
 */
const [model, action, by, why] = process.argv.slice(2);
if (model === undefined || (action !== "place" && action !== "lift") || !by || !why) {
  process.stderr.write("node deploy/hold.ts <model> place|lift <who> <why>\n");
  process.exit(2);
}
const config = readConfig(process.env, ["DATABASE_URL"]);
const db = createDatabase({ url: config.DATABASE_URL, max: 1 });
try {
  const found = await db.selectFrom("models").select("name").where("name", "=", model).executeTakeFirst();
  if (found === undefined) {
    process.stderr.write(`There is no model ${model}.\n`);
    process.exitCode = 1;
  } else {
    await setHold(db, { model, held: action === "place", why, by });
    process.stdout.write(
      action === "place"
        ? `${model} is on hold: nothing about it is removed by age, and no artifact at all.\n`
        : `${model} is no longer on hold.\n`,
    );
  }
} finally {
  await db.destroy();
}
