import { migrateToLatest } from "../db/migrate.ts";
import { readConfig } from "./config.ts";

/** Brings the database to the newest schema and ends. Run it before the processes of a new version start. */
const config = readConfig(process.env, ["DATABASE_URL"]);
const applied = await migrateToLatest(config.DATABASE_URL);
process.stdout.write(applied.length === 0 ? "The schema is up to date.\n" : `Applied ${applied.join(", ")}.\n`);
