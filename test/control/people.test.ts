import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentPeople, seedDevelopment } from "../../control/seed.ts";
import { authenticate, hashToken } from "../../control/sign-in.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;
let db: Db;
let home: string;
beforeAll(async () => {
  [database, home] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), "countersign-people-"))]);
  db = createDatabase({ url: database.url });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
  await rm(home, { recursive: true, force: true });
});

const seed = () => seedDevelopment({ databaseUrl: database.url, home, mode: "development" });

test("nobody is seeded outside development, or into a database on another machine", async () => {
  await expect(seedDevelopment({ databaseUrl: database.url, home, mode: "production" })).rejects.toMatchObject({
    code: "forbidden",
  });
  await expect(seedDevelopment({ databaseUrl: database.url, home })).rejects.toMatchObject({ code: "forbidden" });
  await expect(seedDevelopment({ databaseUrl: "postgres://db.example/x", home, mode: "development" })).rejects.toMatchObject({
    code: "forbidden",
  });
  expect(await db.selectFrom("principals").selectAll().execute()).toEqual([]);
});

test("the seeded people are those of the contract, each with a token that works", async () => {
  const tokens = await seed();
  expect(Object.keys(tokens)).toEqual(["ada", "ben", "grace", "george", "pia", "olga", "ci"]);
  for (const person of developmentPeople) {
    const { principal } = await authenticate({ db }, tokens[person.id] ?? "", "api");
    expect(principal).toEqual(person);
  }
});

test("tokens are stored hashed only", async () => {
  const tokens = await seed();
  const rows = JSON.stringify(await db.selectFrom("tokens").selectAll().execute());
  const audit = JSON.stringify(await db.selectFrom("audit").selectAll().execute());
  for (const token of Object.values(tokens)) {
    expect(rows).toContain(hashToken(token));
    expect(rows + audit).not.toContain(token);
  }
});

test("a second start keeps the tokens of the first; a lost or foreign one is made anew", async () => {
  const first = await seed();
  await writeFile(join(home, "tokens.json"), JSON.stringify(first));
  expect(await seed()).toEqual(first);
  await writeFile(join(home, "tokens.json"), JSON.stringify({ ...first, grace: first["ada"], ben: "made up", ci: 7 }));
  const third = await seed();
  expect({ ...third, grace: "", ben: "", ci: "" }).toEqual({ ...first, grace: "", ben: "", ci: "" });
  expect(new Set([third["grace"], third["ben"], third["ci"], first["ada"], first["grace"]]).size).toBe(5);
  await writeFile(join(home, "tokens.json"), "no JSON");
  expect(Object.keys(await seed())).toHaveLength(7);
});

test("somebody whom an admin moved stays moved", async () => {
  await db.updateTable("group_members").set({ until: new Date() }).where("principal_id", "=", "george").execute();
  const tokens = await seed();
  expect((await authenticate({ db }, tokens["george"] ?? "", "api")).principal.groups).toEqual([]);
});

test("somebody who was deactivated gets in no more", async () => {
  const tokens = await seed();
  await db.updateTable("principals").set({ active: false }).where("id", "=", "pia").execute();
  await expect(authenticate({ db }, tokens["pia"] ?? "", "api")).rejects.toMatchObject({ code: "unauthenticated" });
});
