import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appRole, ensureRole } from "../../db/grants.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../setup/database.ts";

/** What the role of the product's processes may do, as PostgreSQL answers it: every other test works as that role. */
let database: TestDatabase;
let db: Db;
let admin: pg.Client;
let tables: string[];
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url, max: 2 });
  admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  const { rows } = await admin.query<{ name: string }>("select tablename as name from pg_tables where schemaname = 'public'");
  tables = rows.map(({ name }) => name);
});
afterAll(async () => {
  await db.destroy();
  await admin.end();
  await database.drop();
});

const attempt = (statement: string) =>
  sql
    .raw(statement)
    .execute(db)
    .then(
      () => "done",
      (error: Error) => error.message,
    );

/** Tables that must only grow, whatever else changes. */
const onlyGrow = ["audit", "decisions", "definitions", "deployments", "policies", "command_results", "renderings", "legal_holds"];

describe("the role of the processes", () => {
  test("is no superuser, owns nothing, and may make neither roles, databases nor tables", async () => {
    const { rows } = await sql<Record<string, boolean | number>>`
      select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        (select count(*)::int from pg_class where relowner = r.oid) as owns
      from pg_roles r where rolname = current_user`.execute(db);
    expect(rows).toEqual([
      { rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolreplication: false, rolbypassrls: false, owns: 0 },
    ]);
    expect(await attempt("create table public.mine (id int)")).toMatch(/permission denied/);
    expect(await attempt("set role countersign")).toMatch(/permission denied/);
    expect(await attempt("set session_replication_role = replica")).toMatch(/permission denied/);
  });

  test("cannot change, drop or empty any table, and cannot switch a trigger off", async () => {
    expect(tables.length).toBeGreaterThan(30);
    for (const table of tables)
      for (const statement of [
        `alter table ${table} disable trigger all`,
        `alter table ${table} add column sneaky int`,
        `drop table ${table} cascade`,
        `truncate ${table} cascade`,
        `create trigger sneaky before insert on ${table} execute function refuse_change()`,
      ])
        expect(await attempt(statement), statement).toMatch(/must be owner|permission denied/);
    expect(await attempt("create or replace function refuse_change() returns trigger language sql as 'select 1'")).toMatch(
      /permission denied|must be owner/,
    );
  });

  test("can read and add to what only grows, and nothing else; so it is for each table that a trigger keeps from changing", async () => {
    const { rows } = await admin.query<{ name: string }>(
      "select distinct event_object_table as name from information_schema.triggers where action_statement like '%refuse_change%' and event_manipulation = 'UPDATE'",
    );
    const guarded = rows.map(({ name }) => name);
    expect(guarded).toEqual(expect.arrayContaining(onlyGrow));
    for (const table of guarded) {
      const { rows: rights } = await admin.query<{ may: string }>(
        "select privilege_type as may from information_schema.role_table_grants where grantee = $1 and table_name = $2 order by 1",
        [appRole, table],
      );
      expect(
        rights.map(({ may }) => may),
        table,
      ).toEqual(["INSERT", "SELECT"]);
      expect(await attempt(`delete from ${table}`), table).toMatch(/permission denied/);
    }
  });

  test("can read every table, and take rows away from those alone whose rows age", async () => {
    for (const table of tables) expect(await attempt(`select from ${table} limit 1`), table).toBe("done");
    const { rows } = await admin.query<{ name: string }>(
      "select table_name as name from information_schema.role_table_grants where grantee = $1 and privilege_type = 'DELETE' order by 1",
      [appRole],
    );
    expect(rows.map(({ name }) => name)).toEqual([
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
  });
});

test("a database of the version before gets the grants when it is migrated, and loses what was granted by hand", async () => {
  const old = await createEmptyDatabase();
  const owner = new pg.Client({ connectionString: old.adminUrl });
  await owner.connect();
  try {
    await migrateToLatest(old.adminUrl);
    await owner.query(`revoke all on all tables in schema public from ${appRole}`);
    await owner.query(`grant update, delete on audit to ${appRole}; create table later (id int)`);
    expect(await migrateToLatest(old.adminUrl)).toEqual([]);
    const { rows } = await owner.query<{ name: string; may: string }>(
      "select table_name as name, string_agg(privilege_type, ' ' order by privilege_type) as may from information_schema.role_table_grants where grantee = $1 and table_name in ('audit', 'slots', 'later') group by 1 order by 1",
      [appRole],
    );
    expect(rows).toEqual([
      { name: "audit", may: "INSERT SELECT" },
      { name: "later", may: "INSERT SELECT UPDATE" },
      { name: "slots", may: "INSERT SELECT UPDATE" },
    ]);
  } finally {
    await owner.end();
    await old.drop();
  }
});

test("the owner of the tables can be a role that nobody logs in as", async () => {
  const own = await createEmptyDatabase();
  const owner = `owner_${own.name}`;
  const client = new pg.Client({ connectionString: own.adminUrl });
  await client.connect();
  try {
    expect(await ensureRole(client, owner, null)).toBe(true);
    expect(await ensureRole(client, owner, null)).toBe(false);
    await client.query(`alter database ${own.name} owner to ${owner}`);
    const url = new URL(own.adminUrl);
    url.searchParams.set("options", `-c role=${owner}`);
    await migrateToLatest(url.href);
    const { rows } = await client.query("select distinct tableowner from pg_tables where schemaname = 'public'");
    expect(rows).toEqual([{ tableowner: owner }]);
    const app = new pg.Client({ connectionString: own.url });
    await app.connect();
    await expect(app.query("update audit set actor = 'x'")).rejects.toThrow(/permission denied/);
    expect((await app.query("select from policies")).rowCount).toBeGreaterThan(0);
    await app.end();
  } finally {
    await client.end();
    await own.drop();
    const after = new pg.Client({ connectionString: database.adminUrl });
    await after.connect();
    await after.query(`drop role ${owner}`);
    await after.end();
  }
});
