import pg from "pg";

/** The role that the processes connect as. It owns nothing: what it may do is what is granted here. */
export const appRole = "countersign_app";

/**
 * What rows may be taken away of: bookkeeping that ages, and what is written anew as a whole. A new
 * DELETE anywhere in the product needs its table here.
 */
const deletable = new Set([
  "attempts",
  "commands",
  "deliveries",
  "message_ways",
  "monitor_windows",
  "policies_in_force",
  "predictions",
  "slack_links",
  "slack_requests",
  "slack_users",
  "source_files",
  "tokens",
  "unreachable_artifacts",
]);

/**
 * Makes sure that a role is there, and as it should be: it may log in by this password, or never
 * (null). Needs a connection that may make roles. True when it made it.
 */
export async function ensureRole(client: pg.Client, role: string, password: string | null): Promise<boolean> {
  const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [role]);
  const isNew = rowCount === 0;
  // Neither CREATE ROLE nor ALTER ROLE takes parameters, hence the quoting.
  const login = password === null ? "NOLOGIN" : `LOGIN PASSWORD ${client.escapeLiteral(password)}`;
  await client.query(
    `${isNew ? "CREATE" : "ALTER"} ROLE ${client.escapeIdentifier(role)} ${login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS`,
  );
  return isNew;
}

/** Whether the processes can connect as a role of their own, other than the one that this address names. */
export async function hasAppRole(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000, statement_timeout: 5_000 });
  await client.connect();
  try {
    return await isThere(client, appRole);
  } finally {
    await client.end();
  }
}

async function isThere(client: pg.Client, role: string): Promise<boolean> {
  const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1 AND rolname <> current_user", [role]);
  return rowCount !== 0;
}

/**
 * Grants the role of the processes what they need of each table and takes back everything else, in
 * one transaction: of append-only tables reading and adding, of the others changing as well. Which are
 * append-only is what their triggers say, so that no list of them can be out of date. The role cannot
 * switch a trigger off, for it owns no table. Grants nothing where there is no such role: in an
 * installation whose processes connect as the owner.
 */
export async function grantToApp(client: pg.Client, role: string = appRole): Promise<void> {
  if (!(await isThere(client, role))) return;
  const grantee = client.escapeIdentifier(role);
  const { rows: tables } = await client.query<Table>(productTables);
  const database = client.escapeIdentifier(tables[0]?.database ?? "");
  await client.query("BEGIN");
  try {
    await client.query(`
      GRANT CONNECT ON DATABASE ${database} TO ${grantee};
      REVOKE CREATE ON SCHEMA public FROM PUBLIC;
      GRANT USAGE ON SCHEMA public TO ${grantee};
      REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${grantee};
      ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO ${grantee};`);
    for (const table of tables)
      await client.query(`GRANT ${rightsOn(table).join(", ")} ON public.${client.escapeIdentifier(table.name)} TO ${grantee}`);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

interface Table {
  name: string;
  appendOnly: boolean;
  database: string;
}

function rightsOn({ name, appendOnly }: Table): string[] {
  if (name === "schema_migrations") return ["SELECT"];
  return ["SELECT", "INSERT", ...(appendOnly ? [] : ["UPDATE"]), ...(deletable.has(name) ? ["DELETE"] : [])];
}

/** 24 are the bits of UPDATE and DELETE in a trigger's type. */
const productTables = `
  SELECT c.relname AS name, current_database() AS database,
    EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
      WHERE t.tgrelid = c.oid AND p.proname = 'refuse_change' AND t.tgtype & 24 = 24) AS "appendOnly"
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  ORDER BY 1`;
