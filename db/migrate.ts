import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { createDatabase } from "./database.ts";
import { grantToApp } from "./grants.ts";
import { publishBuiltInPolicies } from "./policies.ts";

const migrationsFolder = fileURLToPath(new URL("migrations/", import.meta.url));
/** Any number that no other program uses on this database: "csgn". */
const lockKey = 0x6373676e;
/** In a migration whose schema the version before cannot work with; without it, that version may start again. */
const breakingMark = /^-- breaks-older-code\s*$/m;

interface Migration {
  name: string;
  checksum: string;
  text: string;
  breaksOlderCode: boolean;
}

interface Applied {
  name: string;
  checksum: string;
  breaksOlderCode: boolean;
  /** Null where it was applied before this was kept. */
  version: string | null;
}

export interface MigrateOptions {
  folder?: string;
  /** Of the product that migrates. */
  version?: string;
  log?: (line: string) => void;
  /** So long a statement waits for a lock; whoever asks for the table after it waits as long. */
  lockTimeoutMs?: number;
  /** A statement that takes longer is broken off. */
  statementTimeoutMs?: number;
  /** How often a migration is tried that found a table locked. */
  tries?: number;
}
type Settled = Required<MigrateOptions>;

const defaults = {
  folder: migrationsFolder,
  version: productVersion(),
  log: (line: string) => void process.stderr.write(`${line}\n`),
  lockTimeoutMs: 3_000,
  statementTimeoutMs: 15 * 60_000,
  tries: 20,
};

/**
 * Brings the database to the newest schema: the files of migrations/ in the order of their names,
 * each in one transaction, one process at a time, then what the processes' role may do, and the policies that
 * come with the product. `databaseUrl` connects as the owner of the tables.
 * Gives the names that were applied. Where a later version has migrated already, nothing is applied and its policies
 * stay in force. Throws when that version's schema is marked as none of this one's, when the file of an applied
 * migration was changed, when one would run after those of a later version, and when locks or time run out.
 */
export async function migrateToLatest(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const settled: Settled = { ...defaults, ...options };
  const migrations = await readMigrations(settled.folder);
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    application_name: "countersign-migrate",
  });
  await client.connect();
  try {
    await limitWaiting(client, settled);
    // Held by the session: it ends with the connection, whatever happens.
    await patiently("Another process migrates this database", settled, () =>
      client.query("SELECT pg_advisory_lock($1)", [lockKey]),
    );
    const { applied, isOlder } = await applyPending(client, migrations, settled);
    await grantToApp(client);
    // The policies that come with a later version are chosen by its rules.
    if (!isOlder) await publishPolicies(databaseUrl);
    return applied;
  } finally {
    await client.end();
  }
}

function productVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  // The product's own file.
  return (JSON.parse(text) as { version: string }).version;
}

async function publishPolicies(databaseUrl: string): Promise<void> {
  const db = createDatabase({ url: databaseUrl, max: 1 });
  try {
    await publishBuiltInPolicies(db);
  } finally {
    await db.destroy();
  }
}

async function limitWaiting(client: pg.Client, { lockTimeoutMs, statementTimeoutMs }: Settled): Promise<void> {
  await client.query("SELECT set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)", [
    String(lockTimeoutMs),
    String(statementTimeoutMs),
  ]);
}

/** Does it again, a second later, while a lock is in its way: as often as `tries` says. */
async function patiently<T>(what: string, { tries, lockTimeoutMs, log }: Settled, work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== lockNotAvailable) throw error;
      if (tried >= tries)
        throw new Error(
          `${what}: a lock was not given up within ${lockTimeoutMs} ms, ${tries} times. Nothing was changed. End what holds it (SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle'), then migrate again.`,
          { cause: error },
        );
      log(`${what}: a lock is in the way; try ${tried} of ${tries}.`);
      await delay(1_000);
    }
  }
}

const lockNotAvailable = "55P03";
const queryCanceled = "57014";

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      const checksum = createHash("sha256").update(text).digest("hex");
      return { name, text, checksum, breaksOlderCode: breakingMark.test(text) };
    }),
  );
}

async function applyPending(
  client: pg.Client,
  migrations: Migration[],
  settled: Settled,
): Promise<{ applied: string[]; isOlder: boolean }> {
  await patiently("The list of migrations is in use", settled, () =>
    client.query(`
      CREATE TABLE IF NOT EXISTS schema_migrations
        (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
      ALTER TABLE schema_migrations
        ADD COLUMN IF NOT EXISTS breaks_older_code boolean NOT NULL DEFAULT false,
        ADD COLUMN IF NOT EXISTS version text`),
  );
  const { rows } = await client.query<Applied>(
    'SELECT name, checksum, breaks_older_code AS "breaksOlderCode", version FROM schema_migrations ORDER BY name',
  );
  const isOlder = checkApplied(rows, migrations, settled);
  const known = new Set(rows.map((row) => row.name));
  const pending = migrations.filter((migration) => !known.has(migration.name));
  for (const migration of pending) checkOrder(migration, rows, settled);
  for (const migration of pending)
    await patiently(`The migration ${migration.name} waits`, settled, () => applyOne(client, migration, settled));
  return { applied: pending.map((migration) => migration.name), isOlder };
}

/** True when the database is of a later version, which this one can work with. */
function checkApplied(rows: Applied[], migrations: Migration[], { version, log }: Settled): boolean {
  const unknown: Applied[] = [];
  for (const row of rows) {
    const file = migrations.find((migration) => migration.name === row.name);
    if (!file) unknown.push(row);
    else if (file.checksum !== row.checksum)
      throw new Error(
        `The migration ${row.name} was changed after it was applied. Restore the file and put the change into a new one.`,
      );
  }
  const breaking = unknown.find((row) => row.breaksOlderCode);
  if (breaking)
    throw new Error(
      `The database holds the migration ${breaking.name} of ${madeBy(breaking)}, and version ${version} cannot work with it. Start that version again, or restore the backup from before it.`,
    );
  if (unknown.length === 0) return false;
  const names = unknown.map((row) => row.name).join(", ");
  log(`The database holds ${names} of ${madeBy(unknown.at(-1))}. Version ${version} works with it, as an earlier one.`);
  return true;
}

function madeBy(row: Applied | undefined): string {
  return row?.version ? `version ${row.version}` : "a later version";
}

/**
 * Within one version of the product migrations come in any order, as the work on it is put together. One that would run
 * after those of another version was never tried in that order by anybody.
 */
function checkOrder({ name }: Migration, applied: Applied[], { version }: Settled): void {
  const later = applied.find((row) => row.name > name && row.version !== null && row.version !== version);
  if (later)
    throw new Error(
      `The migration ${name} comes before ${later.name}, which ${madeBy(later)} applied to this database already; version ${version} does not run it out of order. Start a version that has both, or give it a number after that one.`,
    );
}

async function applyOne(client: pg.Client, migration: Migration, settled: Settled): Promise<void> {
  const { name, checksum, text, breaksOlderCode } = migration;
  await client.query("BEGIN");
  try {
    await client.query(text);
    await client.query("INSERT INTO schema_migrations (name, checksum, breaks_older_code, version) VALUES ($1, $2, $3, $4)", [
      name,
      checksum,
      breaksOlderCode,
      settled.version,
    ]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    const code = codeOf(error);
    if (code === lockNotAvailable) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const reason =
      code === queryCanceled ? `a statement took longer than ${settled.statementTimeoutMs} ms and was broken off` : message;
    throw new Error(`The migration ${name} failed and left nothing behind: ${reason}`, {
      cause: error,
    });
  }
}
