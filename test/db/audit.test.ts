import { afterEach, beforeEach, expect, test } from "vitest";
import { sql } from "kysely";
import { appendAudit, isAudited, verifyAudit } from "../../db/audit.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { auditEvent } from "./records.ts";

let database: TestDatabase;
let db: Db;
let adminDb: Db;

beforeEach(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url, max: 20 });
  adminDb = createDatabase({ url: database.adminUrl, max: 1 });
});

afterEach(async () => {
  await db.destroy();
  await adminDb.destroy();
  await database.drop();
});

async function append(...subjects: string[]): Promise<void> {
  await db.transaction().execute((trx) =>
    appendAudit(
      trx,
      subjects.map((subject) => auditEvent(subject)),
    ),
  );
}

/** As a superuser who switches the triggers off: what a checkpoint and the chain are for. */
async function tamper(statement: string): Promise<void> {
  await adminDb.connection().execute(async (connection) => {
    await sql`SET session_replication_role = replica`.execute(connection);
    await sql.raw(statement).execute(connection);
    await sql`SET session_replication_role = DEFAULT`.execute(connection);
  });
}

test("twenty writers at once make one chain without a gap", async () => {
  const before = await verifyAudit(db);
  const writers = Array.from({ length: 20 }, async (_, writer) => {
    for (let i = 0; i < 10; i += 1) await append(`w${writer}.${i}`, `w${writer}.${i}.b`);
  });
  await Promise.all(writers);
  const after = await verifyAudit(db);
  expect(after).toMatchObject({ ok: true, records: before.records + 400 });
});

test("a transaction that fails leaves nothing in the chain", async () => {
  const before = await verifyAudit(db);
  const failing = db.transaction().execute(async (trx) => {
    await appendAudit(trx, [auditEvent("lost")]);
    throw new Error("after the append");
  });
  await expect(failing).rejects.toThrow("after the append");
  expect(await verifyAudit(db)).toEqual(before);
});

test.each([
  [
    "the text of a record",
    "UPDATE audit SET body = replace(body, 'second', 'Second') WHERE subject = 'second'",
    /text does not have its hash/,
  ],
  ["a column beside the text", "UPDATE audit SET actor = 'grace' WHERE subject = 'second'", /columns say something else/],
  [
    "the time beside the text",
    "UPDATE audit SET at = at - interval '1 hour' WHERE subject = 'second'",
    /columns say something else/,
  ],
  ["a record taken out", "DELETE FROM audit WHERE subject = 'second'", /is missing/],
  ["the last record taken out", "DELETE FROM audit WHERE subject = 'third'", /head says/],
  ["all records taken out", "TRUNCATE audit", /head says/],
])("%s is noticed", async (_, statement, why) => {
  await append("first", "second", "third");
  await tamper(statement);
  const found = await verifyAudit(db);
  expect(found).toMatchObject({ ok: false, firstBreak: { why: expect.stringMatching(why) } });
});

test("a record written anew with a fitting hash breaks the link of the next one", async () => {
  await append("first", "second", "third");
  await tamper("UPDATE audit SET body = replace(body, 'second', 'changed'), subject = 'changed' WHERE subject = 'second'");
  await tamper("UPDATE audit SET hash = 'sha256:' || encode(sha256(convert_to(body, 'UTF8')), 'hex') WHERE subject = 'changed'");
  const third = await db.selectFrom("audit").select("seq").where("subject", "=", "third").executeTakeFirstOrThrow();
  expect(await verifyAudit(db)).toMatchObject({
    ok: false,
    firstBreak: { seq: third.seq, why: expect.stringMatching(/hash of the record before/) },
  });
});

test.each(["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])(
  "neither the role of the processes nor the owner of the table can %s",
  async (statement) => {
    await append("first");
    await expect(sql.raw(statement).execute(db)).rejects.toThrow(/permission denied for table audit/);
    await expect(sql.raw(statement).execute(adminDb)).rejects.toThrow(/never changed or deleted/);
  },
);

test("what was told once can be found by a member of its data", async () => {
  await db.transaction().execute((trx) => appendAudit(trx, [auditEvent("gate.1", { runId: "a" })]));
  const told = (value: string) =>
    db.transaction().execute((trx) => isAudited(trx, { kind: "gate.opened", subject: "gate.1", key: "runId", value }));
  expect(await told("a")).toBe(true);
  expect(await told("b")).toBe(false);
});
