import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { workflowIds } from "../../domain/ids.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";

/**
 * A value of the data, planted where each stage stumbles over it. It may stand in artifacts, which rights guard and
 * retention deletes, and nowhere else: in no row of the database, no history, no answer but the log's.
 */
const canary = "CANARY-7f3a-9d21";
let world: World;
let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "countersign-canary-"));
  const [header = "", ...rows] = (await readFile("examples/credit-risk/data/german-credit.csv", "utf8")).trimEnd().split("\n");
  const age = header.split(",").indexOf("age");
  const planted = rows.map((row, index) =>
    index === 4
      ? row
          .split(",")
          .map((cell, at) => (at === age ? canary : cell))
          .join(",")
      : row,
  );
  await writeFile(join(data, "planted.csv"), [header, ...planted, ""].join("\n"));
  await writeFile(join(data, "broken.csv"), [header, ...rows.slice(0, 5), `"${canary}`, ""].join("\n"));
  await writeFile(join(data, "wide.csv"), [header, `${canary},${canary}`, ""].join("\n"));
  await writeFile(join(data, "torn.jsonl"), `{"age": 1}\n{"age": "${canary}" ${canary}}\n`);
  world = await createWorld({ trains: false, data });
});
afterAll(async () => {
  await world?.stop();
  await rm(data, { recursive: true, force: true });
});

const ways: [string, string, string, (definition: ResolvedDefinition) => void][] = [
  ["a rule of the contract", "validate", "planted.csv", () => undefined],
  [
    "a quality query that answers it",
    "validate",
    "planted.csv",
    (definition) => {
      const schema = [
        { name: "applications", quality: [{ type: "sql", query: "select max(age) = '1' from {object}", mustBe: 1 }] },
      ];
      definition.contract = { apiVersion: "v3.1.0", kind: "DataContract", schema };
    },
  ],
  ["a cast of the request", "featurize", "planted.csv", withoutRules],
  [
    "a cast in the label",
    "featurize",
    "planted.csv",
    (definition) => {
      withoutRules(definition);
      definition.features.request = { duration_months: "integer" };
      definition.features.sql = "select row_id, duration_months from request";
      definition.evaluate.protected = [];
      delete definition.evaluate.bands;
      definition.label = { name: "late", sql: "cast(age as integer) > 30" };
    },
  ],
  ["a quote that is never closed", "ingest", "broken.csv", () => undefined],
  ["a line of too few cells", "ingest", "wide.csv", () => undefined],
  ["a line that is no JSON", "ingest", "torn.jsonl", () => undefined],
];

function withoutRules(definition: ResolvedDefinition): void {
  definition.contract = { apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "applications" }] };
}

test.each(ways)("%s fails the stage, and the value stays in artifacts", async (name, stage, files, change) => {
  const model = name.replaceAll(/[^a-z]+/g, "-");
  await apply(
    world,
    await smallModel(model, "low", (definition) => {
      definition.data.sources["applications"] = { files };
      change(definition);
    }),
  );
  const id = await requestRelease(world, model);
  const release = await untilState(world, id, ["blocked"]);
  expect(release.blocked?.stage).toBe(stage);
  expect(JSON.stringify({ ...release, blocked: { ...release.blocked, logTail: null } })).not.toContain(canary);
  const history = await world.client.workflow.getHandle(workflowIds.release(id)).fetchHistory();
  // Payloads are base64 in a history's JSON: what they hold is looked at as text too.
  const payloads = JSON.stringify(historyToJSON(history)).replaceAll(
    /[A-Za-z0-9+/]{24,}={0,2}/g,
    (one) => `${one} ${Buffer.from(one, "base64").toString("utf8")}`,
  );
  expect(payloads).toContain(release.blocked?.code);
  expect(payloads).not.toContain(canary);
});

test("no row of the database holds it: records, audit, deliveries, remembered files", async () => {
  const { rows: tables } = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(world.db);
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["audit", "deliveries", "release_stages"]));
  for (const { name } of tables) {
    const { rows } = await sql<{
      n: number;
    }>`select count(*)::int as n from ${sql.table(name)} as t where to_jsonb(t)::text like ${`%${canary}%`}`.execute(world.db);
    expect([name, rows[0]?.n]).toEqual([name, 0]);
  }
});

test("who may read the release reads the sample in its log, with file and row", async () => {
  const { body } = await world.as("ada").get<string>("/api/releases/a-rule-of-the-contract.1/logs?stage=validate");
  expect(body).toContain(`planted.csv, row 5: ${canary}`);
  const { body: view } = await world
    .as("ada")
    .get<{ blocked: { message: string; logTail: string } }>("/api/releases/a-rule-of-the-contract.1");
  expect(view.blocked.message).toMatch(/planted\.csv, row 5/);
  expect(view.blocked.logTail).toContain(canary);
});

test("a suggested contract comes to whoever asked, and not by way of a history", async () => {
  await writeFile(
    join(data, "few.csv"),
    `kind,n\n${Array.from({ length: 60 }, (_, at) => `${at % 2 === 0 ? canary : "other"},${at}`).join("\n")}\n`,
  );
  const { status, body } = await world
    .as("ada")
    .post("/api/contracts/suggest", { rows: "few", sources: { few: { files: "few.csv" } } });
  expect(status).toBe(200);
  expect(JSON.stringify(body)).toContain(canary);
  for await (const { workflowId } of world.client.workflow.list({ query: "WorkflowType = 'suggestContract'" })) {
    const history = await world.client.workflow.getHandle(workflowId).fetchHistory();
    const result = history.events?.at(-1)?.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0]?.data;
    expect(Buffer.from(result ?? []).toString("utf8")).toMatch(/^\{"suggestion":"sha256:[0-9a-f]{64}"\}$/);
  }
});
