import { Client, Connection } from "@temporalio/client";
import pg from "pg";
import { expect, test } from "vitest";
import { createEmptyDatabase, createTestDatabase } from "./database.ts";
import { connectTemporal, createTestNamespace, createTestPrefix, temporalAddress } from "./temporal.ts";

test("each test database is a copy of its own that can be dropped while somebody is connected", async () => {
  const [first, second] = [await createTestDatabase(), await createTestDatabase()];
  const client = new pg.Client({ connectionString: first.adminUrl });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("create table only_here (id int)");
  const other = new pg.Client({ connectionString: second.url });
  await other.connect();
  await expect(other.query("select * from only_here")).rejects.toThrow(/does not exist/);
  await other.end();
  await first.drop();
  await second.drop();
  await expect(new pg.Client({ connectionString: first.adminUrl }).connect()).rejects.toThrow(/does not exist/);
});

test("an empty database has no table", async () => {
  const empty = await createEmptyDatabase();
  const client = new pg.Client({ connectionString: empty.url });
  await client.connect();
  const { rows } = await client.query("select count(*)::int as tables from pg_tables where schemaname = 'public'");
  await client.end();
  await empty.drop();
  expect(rows).toEqual([{ tables: 0 }]);
});

test("the Temporal server knows the five search attributes", async () => {
  const { client, close } = await connectTemporal();
  const found = await client.workflow.count(`CountersignModel = '${createTestPrefix()}' and CountersignGate is null`);
  await close();
  expect(found.count).toBe(0);
});

test("a namespace of one's own can be used at once", async () => {
  const namespace = await createTestNamespace();
  const connection = await Connection.connect({ address: temporalAddress() });
  const handle = await new Client({ connection, namespace }).workflow.start("nothing", {
    taskQueue: "none",
    workflowId: "one",
  });
  const described = await handle.describe();
  await connection.close();
  expect(described.status.name).toBe("RUNNING");
});
