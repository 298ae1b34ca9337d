import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { createDatabase } from "./database.ts";
import { grantToApp } from "./grants.ts";
import { publishBuiltInPolicies } from "./policies.ts";

const migrationsFolder = fileURLToPath(new URL("migrations/", import.meta.url));
/** Any number that no other program uses on this database: "csgn". */
const lockKey = 0x6373676e;

interface Migration {
  name: string;
  checksum: string;
  text: string;
}

/**
 * Brings the database to the newest schema: the files of migrations/ in the order of their names,
 * each in one transaction, one process at a time, then what the processes' role may do, and the policies that
 * come with the product. `databaseUrl` connects as the owner of the tables.
 * Gives the names that were applied. Throws when the file of an applied migration was changed or
 * is gone: what runs would not be what the files say.
 */
export async function migrateToLatest(databaseUrl: string, folder = migrationsFolder): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    application_name: "countersign-migrate",
  });
  await client.connect();
  try {
    // Held by the session: it ends with the connection, whatever happens.
    await client.query("SELECT pg_advisory_lock($1)", [lockKey]);
    const applied = await applyPending(client, migrations);
    await grantToApp(client);
    const db = createDatabase({ url: databaseUrl, max: 1 });
    try {
      await publishBuiltInPolicies(db);
    } finally {
      await db.destroy();
    }
    return applied;
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return { name, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

async function applyPending(client: pg.Client, migrations: Migration[]): Promise<string[]> {
  await client.query(
    "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
  );
  const { rows } = await client.query<{ name: string; checksum: string }>(
    "SELECT name, checksum FROM schema_migrations ORDER BY name",
  );
  for (const row of rows) {
    const file = migrations.find((migration) => migration.name === row.name);
    if (!file)
      throw new Error(
        `The database holds the migration ${row.name}, which this version does not know: it was made by a newer one. Start that one.`,
      );
    if (file.checksum !== row.checksum)
      throw new Error(
        `The migration ${row.name} was changed after it was applied. Restore the file and put the change into a new one.`,
      );
  }
  const known = new Set(rows.map((row) => row.name));
  const pending = migrations.filter((migration) => !known.has(migration.name));
  for (const migration of pending) await applyOne(client, migration);
  return pending.map((migration) => migration.name);
}

async function applyOne(client: pg.Client, { name, checksum, text }: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(text);
    await client.query("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [name, checksum]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The migration ${name} failed and left nothing behind: ${reason}`, {
      cause: error,
    });
  }
}
