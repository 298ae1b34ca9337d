import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { DatasetManifest, FeatureSpec } from "../../domain/stage-results.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { openDuckDb } from "../../ml/duckdb.ts";
import { buildFeatures } from "../../ml/features/build-features.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { checkout, readExample } from "./example.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
let flights: ResolvedDefinition;
let manifest: DatasetManifest;
/** January alone, where the number of rows does not matter. */
let january: DatasetManifest;
beforeAll(async () => {
  bench = await createWorkbench();
  flights = await readExample("flight-delays");
  ({ manifest } = await freezeDataset(
    { dataRoot: rootAt(checkout), store: bench.store, data: flights.data, parameters: {} },
    unwatched,
  ));
  const parameters = { months: 1, until: "2013-01" };
  ({ manifest: january } = await freezeDataset(
    { dataRoot: rootAt(checkout), store: bench.store, data: flights.data, parameters },
    unwatched,
  ));
});
afterAll(() => bench.remove());

const build = (change: (definition: ResolvedDefinition) => void = () => undefined, store = bench.store, seed = 7) => {
  const definition = structuredClone(flights);
  change(definition);
  return buildFeatures({ store, definition, manifest, seed }, unwatched);
};
const buildJanuary = (change: (definition: ResolvedDefinition) => void) => {
  const definition = structuredClone(flights);
  change(definition);
  return buildFeatures({ store: bench.store, definition, manifest: january, seed: 7 }, unwatched);
};
const withSql = (sql: string) => failureOf(buildJanuary((definition) => void (definition.features.sql = sql)));

async function query(sql: string) {
  const db = await openDuckDb();
  try {
    return await db.rows(sql);
  } finally {
    db.close();
  }
}

describe("features of the flights example", () => {
  test("hold one row for each flight with a label, the latest quarter apart, and the same bytes each time", async () => {
    const first = await build();
    expect(first).toMatchObject({ trainRows: 58_399, holdoutRows: 19_512, holdoutFrom: "2013-03-10T22:00:00.000Z" });
    expect(first.summary).toMatch(
      /^14 features \(carrier, .*\) of 58,399 rows for training and 19,512 held out from 2013-03-10 on$/,
    );
    // A store of its own, so that nothing of the first run is found there.
    const other = await createWorkbench();
    for (const source of Object.values(manifest.sources))
      for (const file of source.files) await other.store.putFile(await bench.store.pathOf(file.digest));
    expect(await build(undefined, other.store)).toEqual(first);
    await other.remove();
  });

  test("agree with the sources when joined by hand, and never look at the outcome's columns", async () => {
    const result = await build();
    const spec = await bench.store.getJson<FeatureSpec>(result.spec);
    expect(Object.keys(spec.request)).not.toContain("arr_delay");
    const path = await bench.store.pathOf(result.holdout);
    const data = `${checkout}/examples/flight-delays/data`;
    const [found] = await query(`
      SELECT count(*) AS n, count_if(h.label = (f.arr_delay > 15)::INT) AS labels, count_if(h.carrier = f.carrier AND h.dest = f.dest AND h.distance = f.distance) AS own,
        count_if(h.seats IS NOT DISTINCT FROM p.seats::FLOAT) AS seats, count_if(h.temp IS NOT DISTINCT FROM w.temp::FLOAT) AS temp, count_if(h.hour = f.hour) AS hour
      FROM read_parquet('${path}') h
      JOIN (SELECT *, row_number() OVER () - 1 AS id FROM read_parquet(['${data}/flights-2013-01.parquet', '${data}/flights-2013-02.parquet', '${data}/flights-2013-03.parquet'])) f ON f.id = h.row_id
      LEFT JOIN '${data}/planes.parquet' p ON p.tailnum = f.tailnum
      LEFT JOIN '${data}/weather.parquet' w ON w.origin = f.origin AND w.time_hour = f.time_hour`);
    const all = "19512";
    expect(found).toEqual({ n: all, labels: all, own: all, seats: all, temp: all, hour: all });
    const [request] = await query(`DESCRIBE SELECT * FROM read_parquet('${await bench.store.pathOf(result.holdoutRequests)}')`);
    expect(request).toMatchObject({ column_name: "row_id", column_type: "BIGINT" });
  });

  test("with a random split depend on the seed alone", async () => {
    const random = (definition: ResolvedDefinition) => void (definition.split = { by: "random", holdout: 0.2 });
    const [one, again, other] = [await build(random), await build(random), await build(random, bench.store, 8)];
    expect(again).toEqual(one);
    expect(other.train).not.toBe(one.train);
    expect(one).toMatchObject({ holdoutRows: 15_582, holdoutFrom: null });
  });

  test("take booleans and numbers for floats, text for text, and what is not finite for missing", async () => {
    const result = await build(
      (definition) =>
        void (definition.features.sql =
          "SELECT row_id, distance > 1000 AS far, carrier, distance / 0 AS endless, CAST(NULL AS VARCHAR) AS nothing FROM request;"),
    );
    expect((await bench.store.getJson<FeatureSpec>(result.spec)).features).toEqual([
      { name: "far", type: "float" },
      { name: "carrier", type: "string" },
      { name: "endless", type: "float" },
      { name: "nothing", type: "string" },
    ]);
    const [found] = await query(
      `SELECT count(endless) AS endless, count_if(nothing = '') AS nothing, max(far) AS far FROM read_parquet('${await bench.store.pathOf(result.train)}')`,
    );
    expect(found).toEqual({ endless: "0", nothing: "58399", far: 1 });
  });
});

describe("features.sql is refused", () => {
  test.each([
    [
      "gives fewer rows than there are requests",
      "SELECT row_id, distance FROM request WHERE distance > 1000",
      /gave \d+ rows for 26398 request rows/,
    ],
    [
      "gives rows twice",
      "SELECT row_id, distance FROM request UNION ALL SELECT row_id, distance FROM request",
      /gave 52796 rows for 26398 request rows, 26398 of them/,
    ],
    ["gives rows of its own", "SELECT row_id + 1000000 AS row_id, distance FROM request", /gave 26398 rows for 26398/],
    ["has no row_id", "SELECT distance FROM request", /must give the column row_id/],
    ["gives no feature", "SELECT row_id FROM request", /gives no feature/],
    [
      "gives a feature of no usable type",
      "SELECT row_id, time_hour FROM request",
      /time_hour is TIMESTAMP; a feature is a number, a boolean or text/,
    ],
    ["gives a label", "SELECT row_id, 1 AS label FROM request", /must not be called label/],
    ["names a column that is known only afterwards", "SELECT row_id, dep_delay FROM request", /dep_delay/],
    ["reads the row source itself", "SELECT row_id, arr_delay FROM flights", /There is no table flights here/],
    ["does not read request", "SELECT row_number() OVER () AS row_id, temp FROM weather", /must read request/],
    ["fails on a value", "SELECT row_id, CAST(carrier AS INTEGER) AS number FROM request", /cannot be converted to INT32/],
    [
      "looks at other rows of the same request",
      "SELECT row_id, count(*) OVER (PARTITION BY carrier) AS flights FROM request",
      /^features\.sql fails: flights has one value [^\d]*must not look at other request rows\.$/,
    ],
  ])("when it %s", async (_, sql, message) => {
    const failure = await withSql(sql);
    expect(failure.code).toBe("feature-sql");
    expect(failure.message).toMatch(message);
    expect(failure.message).not.toMatch(/\/tmp|sha256/);
  });
});

describe("a definition that does not fit its data", () => {
  test.each([
    [
      "a label that is no boolean",
      (d: ResolvedDefinition) => void (d.label.sql = "arr_delay"),
      "feature-sql",
      /label\.sql fails: It gives SMALLINT/,
    ],
    [
      "a label that is more than an expression",
      (d: ResolvedDefinition) => void (d.label.sql = "arr_delay > 15) AS a, (dest = 'X'"),
      "feature-sql",
      /must be one expression/,
    ],
    [
      "a label that filters",
      (d: ResolvedDefinition) => void (d.label.sql = "true) FROM flights WHERE (hour > 3"),
      "feature-sql",
      /label\.sql/,
    ],
    ["a label that counts", (d: ResolvedDefinition) => void (d.label.sql = "count(*) > 3"), "feature-sql", /label\.sql fails/],
    [
      "a label that reads a file",
      (d: ResolvedDefinition) => void (d.label.sql = "(SELECT count(*) FROM read_csv('/etc/passwd')) > 1"),
      "feature-sql",
      /read_csv/,
    ],
    [
      "a label that is always the same",
      (d: ResolvedDefinition) => void (d.label.sql = "arr_delay < 100000"),
      "too-few-rows",
      /the same label \(positive\)/,
    ],
    [
      "a label that is never known",
      (d: ResolvedDefinition) => void (d.label.sql = "CAST(NULL AS BOOLEAN)"),
      "too-few-rows",
      /No row has a label/,
    ],
    [
      "a label that is hardly ever known",
      (d: ResolvedDefinition) => void (d.label.sql = "CASE WHEN tailnum = 'N14228' THEN arr_delay > 15 END"),
      "too-few-rows",
      /rows/,
    ],
    [
      "a request column that is not there",
      (d: ResolvedDefinition) => void (d.features.request["altitude"] = "number"),
      "source-schema",
      /features\.request\.altitude: flights has no column altitude/,
    ],
    ["no time to split by", (d: ResolvedDefinition) => void delete d.data.sources["flights"]?.time, "invalid", /no time column/],
    [
      "a time that is none",
      (d: ResolvedDefinition) => Object.assign(d.data.sources["flights"] ?? {}, { time: "carrier" }),
      "source-schema",
      /carrier is VARCHAR, and not a time/,
    ],
    ["the examples as a lookup", (d: ResolvedDefinition) => void (d.features.lookups = ["flights"]), "invalid", /would leak it/],
  ])("%s blocks", async (_, change, code, message) => {
    const failure = await failureOf(buildJanuary(change));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(message);
  });

  test("stops when it is cancelled", async () => {
    const controller = new AbortController();
    const work = buildFeatures(
      { store: bench.store, definition: flights, manifest, seed: 7 },
      {
        signal: controller.signal,
        progress: (detail) => detail.startsWith("computing") && controller.abort(new Error("withdrawn")),
      },
    );
    await expect(work).rejects.toThrow("withdrawn");
  });
});
