import pg from "pg";

/**
 * Makes what one PostgreSQL server needs for Countersign and Temporal: a role each, a database for
 * the product and two for Temporal, and nobody else's right to connect. Runs at every start: what
 * is there stays, and the passwords become those of the environment, which is how they are changed.
 *
 *   POSTGRES_ADMIN_URL, COUNTERSIGN_DB_PASSWORD, TEMPORAL_DB_PASSWORD
 */
const owners = [
  { role: "countersign", password: required("COUNTERSIGN_DB_PASSWORD"), databases: ["countersign"] },
  { role: "temporal", password: required("TEMPORAL_DB_PASSWORD"), databases: ["temporal", "temporal_visibility"] },
];

const client = new pg.Client({
  connectionString: required("POSTGRES_ADMIN_URL"),
  connectionTimeoutMillis: 10_000,
  statement_timeout: 30_000,
});
await client.connect();
try {
  for (const owner of owners) {
    await ensureRole(owner.role, owner.password);
    for (const database of owner.databases) await ensureDatabase(database, owner.role);
  }
} finally {
  await client.end();
}

/** Neither CREATE ROLE nor CREATE DATABASE takes parameters, hence the quoting. */
async function ensureRole(role: string, password: string): Promise<void> {
  const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
  const verb = rowCount === 0 ? "CREATE" : "ALTER";
  await client.query(
    `${verb} ROLE ${client.escapeIdentifier(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${client.escapeLiteral(password)}`,
  );
  process.stdout.write(`Role ${role}: ${rowCount === 0 ? "made" : "was there"}.\n`);
}

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
