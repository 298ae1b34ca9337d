import { cp, mkdtemp, rm, writeFile, appendFile } from "node:fs/promises";
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

beforeEach(async () => {
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
  await migrateToLatest(database.adminUrl, folder);
  await appendFile(join(folder, "0001-registry.sql"), "-- changed\n");
  await expect(migrateToLatest(database.adminUrl, folder)).rejects.toThrow(/0001-registry.sql was changed after it was applied/);
});

test("a database of a newer version is refused", async () => {
  await writeFile(join(folder, "9999-newer.sql"), "CREATE TABLE newer (id text);");
  await migrateToLatest(database.adminUrl, folder);
  await expect(migrateToLatest(database.adminUrl)).rejects.toThrow(/9999-newer.sql, which this version does not know/);
});

test("a migration that fails leaves nothing behind and can be tried again", async () => {
  await writeFile(join(folder, "9999-broken.sql"), "CREATE TABLE half (id text); SELECT nonsense;");
  await expect(migrateToLatest(database.adminUrl, folder)).rejects.toThrow(/9999-broken.sql failed and left nothing behind/);
  await writeFile(join(folder, "9999-broken.sql"), "CREATE TABLE half (id text);");
  expect(await migrateToLatest(database.adminUrl, folder)).toEqual(["9999-broken.sql"]);
});

test("epochs come as numbers and times as dates", async () => {
  const { rows } = await sql<{
    big: unknown;
    time: unknown;
  }>`SELECT 9007199254740991::bigint AS big, now() AS time`.execute(db);
  expect(rows[0]).toEqual({ big: 9007199254740991, time: expect.any(Date) });
});
