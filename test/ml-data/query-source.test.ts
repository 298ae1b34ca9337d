import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRemoteOffers, type RemoteDeps } from "../../activities/sources/remote-offers.ts";
import type { SourceDefinition } from "../../domain/definition-schema.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
let database: TestDatabase;
beforeAll(async () => {
  bench = await createWorkbench();
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  await bench.remove();
});

function freeze(source: SourceDefinition, deps: Partial<RemoteDeps> = {}) {
  const remote = createRemoteOffers({ hosts: [], development: true, own: [], connections: {}, ...deps });
  const data = { rows: "people", sources: { people: source } };
  return freezeDataset({ dataRoot: rootAt(bench.dataRoot), store: bench.store, data, parameters: {}, remote }, unwatched);
}

describe("a query on PostgreSQL", () => {
  beforeAll(async () => {
    const client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
    await client.query("create type colour as enum ('red')");
    await client.query(`create table visits as select n as id, timestamptz '2024-01-01' + n * interval '1 hour' as at,
      case when n % 7 = 0 then null when n % 7 = 1 then '' else 'quoted "x", \\N
line ' || n end as note, n / 3.0 as amount, n % 2 = 0 as paid from generate_series(1, 12000) n`);
    await client.end();
  });
  const connections = () => ({ warehouse: database.url });

  test("comes as typed rows, the window's alone, with the same bytes in whatever order", async () => {
    const source = (order: string): SourceDefinition => ({
      query: { connection: "warehouse", sql: `select * from visits order by id ${order};` },
      time: "at",
      window: { months: 2, until: "2024-03" },
    });
    const first = await freeze(source("asc"), { connections: connections() });
    const people = first.manifest.sources["people"];
    expect(people).toMatchObject({
      format: "parquet",
      rows: 60 * 24,
      files: [{ name: "query of warehouse" }],
      columns: [
        { name: "id", type: "INTEGER" },
        { name: "at", type: "TIMESTAMP WITH TIME ZONE" },
        { name: "note", type: "VARCHAR" },
        { name: "amount", type: "DOUBLE" },
        { name: "paid", type: "BOOLEAN" },
      ],
    });
    expect((await freeze(source("desc"), { connections: connections() })).manifest).toEqual(first.manifest);
  });

  test("keeps apart what is null, what is empty, and what only looks like it", async () => {
    const source = { query: { connection: "warehouse", sql: "select note, id from visits where id in (7, 8, 9)" } };
    const { manifest } = await freeze(source, { connections: connections() });
    const path = await bench.store.pathOf(manifest.sources["people"]?.files[0]?.digest ?? "sha256:");
    expect(await bench.rows(`SELECT note FROM read_parquet('${path}') ORDER BY id`)).toEqual([
      { note: null },
      { note: "" },
      { note: 'quoted "x", \\N\nline 9' },
    ]);
  });

  test.each([
    ["a second statement behind a semicolon", "select 1 as a; delete from visits", "source-unreadable"],
    ["an end of the transaction in its place", "commit; delete from visits", "source-unreadable"],
    ["a write in a function", "select lo_create(0)", "source-unreadable"],
    ["a wish to write after all", "select set_config('transaction_read_only', 'off', false), pg_sleep(0)", "source-unreadable"],
    ["a table that is not there", "select * from nothing", "source-unreadable"],
    ["two columns of one name", "select 1 as a, 2 as a", "source-unreadable"],
    ["two columns of one name to SQL", 'select 1 as "Amount", 2 as amount', "source-unreadable"],
    ["a number that 64 bits would round", "select 12345678901234567891::numeric(20) as account", "source-unreadable"],
    ["a statement that takes too long", "select pg_sleep(30)", "source-unreadable"],
    ["a password read", "select * from pg_read_file('/etc/hostname') a, nothing", "source-unreadable"],
  ])("refuses %s", async (_name, sql, code) => {
    const failure = await failureOf(
      freeze({ query: { connection: "warehouse", sql } }, { connections: connections(), queryLimits: { statementMs: 400 } }),
    );
    expect(failure).toMatchObject({ code });
    expect(failure.message).not.toContain(database.url);
    const client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
    expect((await client.query("select count(*)::int as n from visits")).rows).toEqual([{ n: 12_000 }]);
    await client.end();
  });

  test.each([
    ["a number beyond a float", "select 98765432109876543210 + id as account from visits where id = 5", "one value of account"],
    ["a text that is no number", "select note::integer as n from visits where note like 'quoted%'", "SQLSTATE 22P02"],
    ["a key of JSON", "select (jsonb_build_object('k', note)->>'k')::date as d from visits where note <> ''", "SQLSTATE 22007"],
    ["a number that cannot be computed", "select 1 / (length(note) - length(note)) as n from visits", "SQLSTATE 22012"],
    ["a cast to a type of its own", "select note::colour as c from visits where note <> ''", "SQLSTATE 22P02"],
  ])("tells no value of %s that it cannot take", async (_name, sql, words) => {
    const failure = await failureOf(freeze({ query: { connection: "warehouse", sql } }, { connections: connections() }));
    expect(failure).toMatchObject({ code: "source-unreadable", message: expect.stringContaining(words) });
    expect(JSON.stringify([failure.message, failure.faults])).not.toMatch(/quoted|line \d|9876543/);
  });

  test("of a database that the operator did not name, or that does not answer, says so", async () => {
    const query = { connection: "elsewhere", sql: "select 1 as a" };
    expect(await failureOf(freeze({ query }))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("COUNTERSIGN_SOURCE_ELSEWHERE"),
    });
    const away = await failureOf(freeze({ query }, { connections: { elsewhere: "postgres://nobody:secret@127.0.0.1:1/none" } }));
    expect(away).toMatchObject({ code: "transient" });
    expect(away.message).not.toContain("secret");
  });
});
