import { appRole, hasAppRole } from "../db/grants.ts";
import { migrateToLatest } from "../db/migrate.ts";
import { readConfig } from "./config.ts";

/**
 * Brings the database to the newest schema, grants the processes' role what it needs, and ends. Run it before
 * the processes of a new version start, with a DATABASE_URL that connects as the owner of the tables.
 */
const config = readConfig(process.env, ["DATABASE_URL"]);
const applied = await migrateToLatest(config.DATABASE_URL);
if (!(await hasAppRole(config.DATABASE_URL)))
  process.stderr.write(
    `There is no role ${appRole}: processes that connect as the owner of the tables could switch off what protects the audit chain. docs/operations.md says how to make it.\n`,
  );
process.stdout.write(applied.length === 0 ? "The schema is up to date.\n" : `Applied ${applied.join(", ")}.\n`);
