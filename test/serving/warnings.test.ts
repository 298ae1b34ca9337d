import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { enrolVersion } from "../../activities/monitor.ts";
import type { ReferenceProfile } from "../../domain/evidence.ts";
import { createInputCheck } from "../../ml/drift/input-check.ts";
import { compareWindow } from "../../ml/drift/compare-window.ts";
import { buildReferenceProfile } from "../../ml/drift/reference-profile.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { type Serving, startServing } from "../../serving/service.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { fixtureModel } from "./flights-artifacts.ts";
import { createFlightsFixture, type FlightsFixture } from "./flights-fixture.ts";
import { createServingClient } from "./serving-client.ts";

let database: TestDatabase;
let fixture: FlightsFixture;
let serving: Serving;
beforeAll(async () => {
  database = await createTestDatabase();
  fixture = await createFlightsFixture({ url: database.url });
  await fixture.addVersion(1);
  await fixture.moveSlot("flight-delays.1");
  serving = await startServing({
    databaseUrl: database.url,
    store: fixture.store,
    verifier: fixture.verifier,
    host: "127.0.0.1",
    port: 0,
    logger: pino({ level: "silent" }),
  });
});
afterAll(async () => {
  await serving?.stop();
  await fixture?.close();
  await database?.drop();
});

test("an answer says which of its inputs training never saw, once the version's profile is kept", async () => {
  const client = createServingClient({ origin: serving.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel });
  const [known] = fixture.rows;
  const strange = { ...known, carrier: "Ö9", distance: 1e6 };
  const before = await client.predict([strange]);
  expect(before.body.predictions?.[0]).not.toHaveProperty("warnings");
  const { onnx } = fixture.manifests.get("flight-delays.1")!;
  const result = await enrolVersion(
    { db: fixture.db, store: fixture.store },
    {
      model: fixtureModel,
      release: "flight-delays.1",
      definition: fixture.definitionDigest,
      parameters: {},
      version: "flight-delays.1",
      environment: "production",
      train: fixture.trainData,
      holdout: fixture.trainData,
      spec: fixture.specDigest,
      onnx,
    },
    unwatched,
  );
  await fixture.db
    .insertInto("release_stages")
    .values({ release_id: "flight-delays.1", stage: "monitor", state: "done", attempts: 1, result: JSON.stringify(result) })
    .execute();
  await serving.refresh();
  const { body } = await client.predict([known, strange, { ...known, carrier: null }]);
  expect(body.predictions?.[0]).not.toHaveProperty("warnings");
  expect(body.predictions?.[1]).toMatchObject({
    warnings: expect.arrayContaining([
      { column: "carrier", kind: "unseen" },
      { column: "distance", kind: "out-of-range" },
    ]),
  });
  // What is missing is told by its share, and no value ever stands in a warning.
  expect(body.predictions?.[2]).not.toHaveProperty("warnings");
  expect(JSON.stringify(body)).not.toContain("Ö9");
});

const rows = 4_000;
const profile = buildReferenceProfile({
  version: "m.1",
  columns: {
    x: Float32Array.from({ length: rows }, (_, row) => row % 100),
    place: Array.from({ length: rows }, (_, row) => `P${row % 300}`),
    id: Array.from({ length: 6_000 }, (_, row) => `I${row}`),
  },
  scores: Float32Array.from({ length: rows }, (_, row) => row / rows),
});

test("rare values of training are known, identifiers are not looked at, and profiles of before are no warning", () => {
  const columns = [
    { name: "x", values: Float32Array.of(0, 99, 99.5, -1, Number.NaN) },
    { name: "place", values: ["P0", "P299", "P300", "", "P7"] },
    { name: "id", values: ["new", "new", "new", "new", "new"] },
  ];
  const check = createInputCheck(profile.columns);
  expect(columns[0] && [0, 1, 2, 3, 4].map((row) => check(columns, row).map(({ column, kind }) => `${column} ${kind}`))).toEqual([
    [],
    [],
    ["x out-of-range", "place unseen"],
    ["x out-of-range"],
    [],
  ]);
  const { range: _, ...x } = profile.columns["x"] as Extract<ReferenceProfile["columns"][string], { kind: "number" }>;
  const { rarer: __, ...place } = profile.columns["place"] as Extract<ReferenceProfile["columns"][string], { kind: "category" }>;
  expect(createInputCheck({ x, place })(columns, 2)).toEqual([]);
});

test("monitoring counts them by column, and a row costs some microseconds at most", () => {
  const window = compareWindow({
    profile,
    columns: {
      x: Float32Array.from({ length: 1_000 }, (_, row) => (row < 100 ? 500 : row % 100)),
      place: Array.from({ length: 1_000 }, (_, row) => (row < 30 ? "new" : `P${row % 300}`)),
      id: Array.from({ length: 1_000 }, () => "new"),
    },
    scores: Float32Array.from({ length: 1_000 }, () => 0.5),
    limits: { warn: 0.1, alert: 0.25 },
    minimumRows: 200,
  });
  const warned = Object.fromEntries(window.columns.map((column) => [column.name, column.warned]));
  expect(warned).toMatchObject({ x: { unseen: 0, outOfRange: 0.1 }, place: { unseen: 0.03, outOfRange: 0 } });
  expect(warned["id"]).toBeUndefined();
  const check = createInputCheck(profile.columns);
  const columns = [
    { name: "x", values: Float32Array.from({ length: 10_000 }, (_, row) => row % 100) },
    { name: "place", values: Array.from({ length: 10_000 }, (_, row) => `P${row % 300}`) },
  ];
  const before = process.cpuUsage();
  for (let row = 0; row < 10_000; row += 1) check(columns, row);
  // Not by the clock: other tests run on the same processors. In microseconds a row.
  expect(process.cpuUsage(before).user / 10_000).toBeLessThan(20);
});
