import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fillDatabase, modelName, readers, type Reader } from "../../bench/reads/fill.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { readAttempts } from "../../db/reads/attempt-facts.ts";
import { readAudit, readAuditAfter, readStreamReaders } from "../../db/reads/audit.ts";
import { readGate, readGates } from "../../db/reads/gates.ts";
import { readReleaseFacts, readReleases } from "../../db/reads/releases.ts";
import { readApprovals, readService, readVersions } from "../../db/reads/versions.ts";
import { readableModels, type ReadScope } from "../../db/rights.ts";
import type { Database } from "../../db/schema.ts";
import { exampleDefinition } from "../records/registry.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

/** Tables that grow with every release and decision; a page that reads one of them whole gets slower each day. */
const growing = ["gates", "decisions", "votes", "releases", "versions", "audit", "predictions", "deployments", "release_stages"];

let database: TestDatabase;
let db: Db;
let client: pg.Client;
const sent: { sql: string; parameters: readonly unknown[] }[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  const filling = createDatabase({ url: database.adminUrl, timeouts: { statement_timeout: 0, query_timeout: 60_000 } });
  await fillDatabase(filling, { models: 100, gates: 3_000, audit: 20_000, evidenceBytes: 500 }, await exampleDefinition());
  await filling.destroy();
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    log: ({ query }) => void sent.push({ sql: query.sql, parameters: query.parameters }),
  });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await db?.destroy();
  await database?.drop();
});

async function scopeOf(reader: Reader): Promise<ReadScope> {
  const scope = { principal: reader, groups: [...readers[reader].groups], all: reader === "admin" };
  return { ...scope, models: scope.all ? null : await readableModels(db, scope) };
}

/** The growing tables that a read goes through from end to end. */
async function scannedBy(read: () => Promise<unknown>): Promise<string[]> {
  sent.length = 0;
  await read();
  const scanned: string[] = [];
  for (const { sql, parameters } of sent.slice()) {
    const { rows } = await client.query<{ "QUERY PLAN": string }>(`explain ${sql}`, [...parameters]);
    for (const { "QUERY PLAN": line } of rows) {
      const [, table = ""] = /Seq Scan on (\w+)/.exec(line) ?? [];
      if (growing.includes(table)) scanned.push(`${table}: ${sql.replaceAll(/\s+/g, " ").slice(0, 160)}`);
    }
  }
  return scanned;
}

const model = modelName(0);
const page = { limit: 101, after: null };
const at = new Date().toISOString();
const reads: Record<string, (scope: ReadScope) => Promise<unknown>> = {
  "the inbox": (scope) => readGates(db, scope, { ...page, state: "open", decidableAt: at }),
  "what waits": (scope) => readGates(db, scope, { ...page, state: "open" }),
  "all gates": (scope) => readGates(db, scope, page),
  "the gates of a model": (scope) => readGates(db, scope, { ...page, model }),
  "one gate": (scope) => readGate(db, { ...scope, models: null }, `${model}.1.promotion.1`),
  "the facts of some gates": ({ principal }) => readAttempts(db, [`${model}.1.promotion.1`, `${model}.2.promotion.1`], principal),
  "all releases": (scope) => readReleases(db, scope, page),
  "releases under way": (scope) => readReleases(db, scope, { ...page, underWay: true }),
  "the releases of a model": (scope) => readReleases(db, scope, { ...page, model }),
  "one release": async (scope) => [
    await readReleases(db, { ...scope, models: null }, { ...page, id: `${model}.1` }),
    await readReleaseFacts(db, `${model}.1`),
  ],
  "all versions": (scope) => readVersions(db, scope, page),
  "one version": async (scope) => [
    await readVersions(db, { ...scope, models: null }, { ...page, id: `${model}.1` }),
    await readApprovals(db, [`${model}.1`]),
    await readService(db, `${model}.1`),
  ],
  "the audit": (scope) => readAudit(db, scope, { limit: 101, after: 0 }),
  "the audit of a model": (scope) => readAudit(db, scope, { limit: 101, after: 0, model }),
  "the audit of an actor": (scope) => readAudit(db, scope, { limit: 101, after: 0, actor: "person-00000" }),
  "the audit of a kind": (scope) => readAudit(db, scope, { limit: 101, after: 0, kind: "model.retired" }),
  "the audit since a moment": (scope) => readAudit(db, scope, { limit: 101, after: 0, from: at }),
  "a commit, for all streams": async () => {
    const records = await readAuditAfter(db, { after: 19_990, limit: 200 });
    return readStreamReaders(db, Object.keys(readers), records);
  },
};

test.each(Object.keys(readers) as Reader[])("no read of %s goes through a growing table from end to end", async (reader) => {
  const scope = await scopeOf(reader);
  const scanned: Record<string, string[]> = {};
  for (const [name, read] of Object.entries(reads)) {
    const tables = await scannedBy(() => read(scope));
    if (tables.length > 0) scanned[name] = tables;
  }
  expect(scanned).toEqual({});
});
