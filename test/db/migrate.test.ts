import { cp, mkdtemp, readdir, rm, writeFile, appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sql } from "kysely";
import { createDatabase, type Db } from "../../db/database.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import { createEmptyDatabase, type TestDatabase } from "../setup/database.ts";

const realFolder = fileURLToPath(new URL("../../db/migrations", import.meta.url));
let database: TestDatabase;
let folder: string;
let db: Db;
let lines: string[];
const log = (line: string) => void lines.push(line);

beforeEach(async () => {
  lines = [];
  database = await createEmptyDatabase();
  folder = await mkdtemp(join(tmpdir(), "countersign-migrations-"));
  await cp(realFolder, folder, { recursive: true });
  db = createDatabase({ url: database.adminUrl, max: 2 });
});

afterEach(async () => {
  await db.destroy();
  await database.drop();
  await rm(folder, { recursive: true });
});

test("an empty database gets every table and the policies, once", async () => {
  expect(await migrateToLatest(database.adminUrl)).toContain("0001-registry.sql");
  expect(await migrateToLatest(database.adminUrl)).toEqual([]);
  const policies = await db.selectFrom("policies").select("id").orderBy("id").execute();
  expect(policies.map((policy) => policy.id)).toEqual(builtInPolicies.map((policy) => policy.id).toSorted());
  const published = await db.selectFrom("audit").select("seq").where("kind", "=", "policy.published").execute();
  expect(published).toHaveLength(12);
  expect(await db.selectFrom("policies_in_force").select("team").execute()).toHaveLength(12);
});

test("two processes that migrate at once apply each migration once", async () => {
  const both = await Promise.all([migrateToLatest(database.adminUrl), migrateToLatest(database.adminUrl)]);
  expect(both.flat().filter((name) => name === "0001-registry.sql")).toHaveLength(1);
});

test("a migration that was changed after it was applied is refused by its name", async () => {
  await migrateToLatest(database.adminUrl, { folder, log });
  await appendFile(join(folder, "0001-registry.sql"), "-- changed\n");
  await expect(migrateToLatest(database.adminUrl, { folder, log })).rejects.toThrow(
    /0001-registry.sql was changed after it was applied/,
  );
});

/** The software goes back by one version: it does not know the newest file. */
const older = { version: "0.0.9" };

test("the version before starts on the schema of this one, says so, and this one starts again", async () => {
  await migrateToLatest(database.adminUrl, { folder, log });
  const newest = (await readdir(folder)).toSorted().at(-1) ?? "";
  await rm(join(folder, newest));
  expect(await migrateToLatest(database.adminUrl, { folder, log, ...older })).toEqual([]);
  expect(lines.join()).toContain(newest);
  expect(lines.join()).toContain("Version 0.0.9 works with it, as an earlier one.");
  expect(await migrateToLatest(database.adminUrl)).toEqual([]);
});

test("a schema that is marked as breaking older code is refused by it, with what to do, and not by its own version", async () => {
  await writeFile(join(folder, "9999-newer.sql"), "-- Splits a table.\n-- breaks-older-code\nCREATE TABLE newer (id text);");
  await migrateToLatest(database.adminUrl, { folder, log, version: "7.0.0" });
  await expect(migrateToLatest(database.adminUrl, { log })).rejects.toThrow(
    /9999-newer.sql of version 7.0.0, and version \d.* cannot work with it. Start that version again, or restore the backup/,
  );
  expect(await migrateToLatest(database.adminUrl, { folder, log, version: "7.0.0" })).toEqual([]);
});

test("an older version leaves the policies of the later one in force", async () => {
  await writeFile(join(folder, "9999-newer.sql"), "CREATE TABLE newer (id text);");
  await migrateToLatest(database.adminUrl, { folder, log, version: "7.0.0" });
  const { numDeletedRows } = await db.deleteFrom("policies_in_force").where("tier", "=", "low").executeTakeFirstOrThrow();
  expect(Number(numDeletedRows)).toBeGreaterThan(0);
  const before = await db.selectFrom("policies_in_force").selectAll().execute();
  await migrateToLatest(database.adminUrl, { log });
  expect(await db.selectFrom("policies_in_force").selectAll().execute()).toEqual(before);
});

test("within one version migrations come in any order; after those of another version none is run out of order", async () => {
  await writeFile(join(folder, "9998-later.sql"), "CREATE TABLE later (id text);");
  await migrateToLatest(database.adminUrl, { folder, log });
  await writeFile(join(folder, "9997-of-the-same.sql"), "CREATE TABLE same (id text);");
  expect(await migrateToLatest(database.adminUrl, { folder, log })).toEqual(["9997-of-the-same.sql"]);
  await writeFile(join(folder, "9996-late.sql"), "CREATE TABLE late (id text);");
  await writeFile(join(folder, "9999-next.sql"), "CREATE TABLE next (id text);");
  await expect(migrateToLatest(database.adminUrl, { folder, log, version: "7.0.0" })).rejects.toThrow(
    /9996-late.sql comes before 9997-of-the-same.sql, which version .* applied/,
  );
  const { rows } = await sql`select name from schema_migrations where name like '9999%'`.execute(db);
  expect(rows).toEqual([]);
});

test("a table that somebody holds is waited for a bounded time, in which others are not kept waiting", async () => {
  await migrateToLatest(database.adminUrl, { folder, log });
  await writeFile(join(folder, "9999-column.sql"), "ALTER TABLE models ADD COLUMN extra text;");
  const quick = { folder, log, lockTimeoutMs: 100, tries: 2 };
  const held = Promise.withResolvers<void>();
  const holding = db.transaction().execute(async (trx) => {
    await trx.selectFrom("models").select("name").execute();
    await expect(migrateToLatest(database.adminUrl, quick)).rejects.toThrow(
      /9999-column.sql waits: a lock was not given up within 100 ms, 2 times. Nothing was changed. End what holds it/,
    );
    held.resolve();
  });
  await held.promise;
  await holding;
  expect(await migrateToLatest(database.adminUrl, quick)).toEqual(["9999-column.sql"]);
});

test("a statement that takes too long is broken off and leaves nothing behind", async () => {
  await migrateToLatest(database.adminUrl, { folder, log });
  await writeFile(join(folder, "9999-slow.sql"), "CREATE TABLE half (id text); SELECT pg_sleep(30);");
  await expect(migrateToLatest(database.adminUrl, { folder, log, statementTimeoutMs: 200 })).rejects.toThrow(
    /9999-slow.sql failed and left nothing behind: a statement took longer than 200 ms/,
  );
  expect((await sql<{ at: string | null }>`select to_regclass('half')::text as at`.execute(db)).rows).toEqual([{ at: null }]);
});

test("a migration that fails leaves nothing behind and can be tried again", async () => {
  await writeFile(join(folder, "9999-broken.sql"), "CREATE TABLE half (id text); SELECT nonsense;");
  await expect(migrateToLatest(database.adminUrl, { folder, log })).rejects.toThrow(
    /9999-broken.sql failed and left nothing behind/,
  );
  await writeFile(join(folder, "9999-broken.sql"), "CREATE TABLE half (id text);");
  expect(await migrateToLatest(database.adminUrl, { folder, log })).toEqual(["9999-broken.sql"]);
});

test("epochs come as numbers and times as dates", async () => {
  const { rows } = await sql<{
    big: unknown;
    time: unknown;
  }>`SELECT 9007199254740991::bigint AS big, now() AS time`.execute(db);
  expect(rows[0]).toEqual({ big: 9007199254740991, time: expect.any(Date) });
});
