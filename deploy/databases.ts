import pg from "pg";
import { appRole, ensureRole } from "../db/grants.ts";

/**
 * Makes what one PostgreSQL server needs for Countersign and Temporal: roles, a database for the
 * product and two for Temporal, and nobody else's right to connect. Runs at every start: what is
 * there stays, and the passwords become those of the environment, which is how they are changed.
 *
 *   POSTGRES_ADMIN_URL, COUNTERSIGN_DB_PASSWORD, TEMPORAL_DB_PASSWORD
 *
 * The product's tables belong to `countersign`, as which nobody can log in: migrations run as it, on
 * the superuser's connection. The processes are `countersign_app`, which owns nothing; `bin/migrate.ts`
 * grants it what it needs. An installation of an earlier version, whose processes were the owner, is
 * brought to the same here.
 */
const owner = { role: "countersign", password: null, databases: ["countersign"] };
const temporal = {
  role: "temporal",
  password: required("TEMPORAL_DB_PASSWORD"),
  databases: ["temporal", "temporal_visibility"],
};
const app = { role: appRole, password: required("COUNTERSIGN_DB_PASSWORD"), databases: [] };

const client = new pg.Client({
  connectionString: required("POSTGRES_ADMIN_URL"),
  connectionTimeoutMillis: 10_000,
  statement_timeout: 30_000,
});
await client.connect();
try {
  for (const { role, password, databases } of [owner, app, temporal]) {
    const isNew = await ensureRole(client, role, password);
    process.stdout.write(`Role ${role}: ${isNew ? "made" : "was there"}.\n`);
    for (const database of databases) await ensureDatabase(database, role);
  }
} finally {
  await client.end();
}

/** CREATE DATABASE takes no parameters, hence the quoting. */
async function ensureDatabase(database: string, role: string): Promise<void> {
  const name = client.escapeIdentifier(database);
  const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${name} OWNER ${client.escapeIdentifier(role)}`);
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  process.stdout.write(`Database ${database}: ${rowCount === 0 ? "made" : "was there"}.\n`);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value.trim() === "") {
    process.stderr.write(`${name} is missing.\n`);
    process.exit(2);
  }
  return value;
}
