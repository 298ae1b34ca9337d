import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FeatureSpec, FeaturizeResult } from "../../domain/stage-results.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { openDuckDb } from "../../ml/duckdb.ts";
import { buildFeatures } from "../../ml/features/build-features.ts";
import { createFeatureEngine, type FeatureEngine } from "../../ml/features/compute-features.ts";
import { readFeatureTable } from "../../ml/features/feature-columns.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { checkout, readExample } from "./example.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
let result: FeaturizeResult;
let engine: FeatureEngine;
beforeAll(async () => {
  bench = await createWorkbench();
  const definition = await readExample("flight-delays");
  const { manifest } = await freezeDataset(
    { dataRoot: rootAt(checkout), store: bench.store, data: definition.data, parameters: {} },
    unwatched,
  );
  result = await buildFeatures({ store: bench.store, definition, manifest, seed: 7 }, unwatched);
  engine = await createFeatureEngine({ store: bench.store, spec: await bench.store.getJson<FeatureSpec>(result.spec) });
});
afterAll(async () => {
  await engine.close();
  await bench.remove();
});

const flight = {
  carrier: "UA",
  origin: "EWR",
  dest: "IAH",
  tailnum: "N14228",
  time_hour: "2013-03-05T10:00:00Z",
  distance: 1400,
};
const valueOf = (computed: Awaited<ReturnType<FeatureEngine["compute"]>>, name: string, row = 0) =>
  computed.columns.find((column) => column.name === name)?.values[row];

describe("the feature engine", () => {
  test("computes one request with what serving holds in memory", async () => {
    const computed = await engine.compute([flight]);
    expect(Object.fromEntries(computed.columns.map((column) => [column.name, column.values[0]]))).toMatchObject({
      carrier: "UA",
      origin: "EWR",
      dest: "IAH",
      hour: 5,
      weekday: "2",
      distance: 1400,
      seats: 149,
      plane_age: 14,
      temp: 32,
    });
    expect(computed.columns.find((column) => column.name === "hour")?.values).toBeInstanceOf(Float32Array);
  });

  test("interrupts what takes too long, says so to all who waited, and answers the next request", async () => {
    // As many steps as a row's distance says; after FROM an interrupt stops them.
    const spec: FeatureSpec = {
      sql: "SELECT row_id, (SELECT count(*) FROM range(CAST(distance AS BIGINT)) AS t(i) WHERE sqrt(i) < 0) AS n FROM request",
      request: { distance: "number" },
      lookups: {},
      features: [{ name: "n", type: "float" }],
    };
    const slow = await createFeatureEngine({ store: bench.store, spec, limitMs: 300 });
    const beganMs = performance.now();
    const answers = await Promise.allSettled([1e12, 2e12, 3e12].map((distance) => slow.compute([{ distance }])));
    expect(answers.map((one) => one.status === "rejected" && one.reason)).toMatchObject(
      Array.from({ length: 3 }, () => ({ code: "unavailable", message: expect.stringContaining("not computed in time") })),
    );
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(valueOf(await slow.compute([{ distance: 3 }]), "n")).toBe(0);
    await slow.close();
  });

  test("gives NaN and an empty text for what is missing", async () => {
    const computed = await engine.compute([{ ...flight, tailnum: null, carrier: null, distance: null }]);
    expect(valueOf(computed, "seats")).toBeNaN();
    expect(valueOf(computed, "distance")).toBeNaN();
    expect(valueOf(computed, "carrier")).toBe("");
  });

  test("keeps the order of rows, across chunks of DuckDB and across calls that were put together", async () => {
    const rows = Array.from({ length: 5000 }, (_, index) => ({ ...flight, distance: index }));
    const [many, ...single] = await Promise.all([
      engine.compute(rows),
      ...[7, 8, 9].map((distance) => engine.compute([{ ...flight, distance }])),
    ]);
    const distances = many?.columns.find((column) => column.name === "distance")?.values;
    expect(distances).toEqual(Float32Array.from(rows.keys()));
    expect(single.map((computed) => valueOf(computed, "distance"))).toEqual([7, 8, 9]);
    expect(await engine.compute([])).toMatchObject({ rows: 0 });
  });

  test("computes the whole holdout as the stage did, to the last bit", async () => {
    const whole = await engine.computeFromParquet(result.holdoutRequests);
    const db = await openDuckDb();
    const names = engine.spec.features.map((feature) => feature.name).join(", ");
    const sql = `SELECT row_id, ${names}, label FROM read_parquet('${await bench.store.pathOf(result.holdout)}') ORDER BY row_id`;
    const stored = await readFeatureTable(db.connection, {
      sql,
      features: engine.spec.features,
      labelled: true,
      rows: result.holdoutRows,
    });
    db.close();
    expect(whole.rows).toBe(19_512);
    expect(whole.labels?.reduce((sum, label) => sum + label, 0)).toBe(4339);
    expect(whole).toEqual(stored);
  });

  test.each([
    ["a number for a text", { carrier: 5 }, "instances[1].carrier", "must be text"],
    ["a text for a number", { distance: "1400" }, "instances[1].distance", "must be a finite number"],
    [
      "a day that does not exist",
      { time_hour: "2013-02-31T06:00:00Z" },
      "instances[1].time_hour",
      "must be a time such as 2013-01-31T06:00:00Z",
    ],
    [
      "a column too many",
      { dep_delay: 3 },
      "instances[1].dep_delay",
      "is no request column; these are: carrier, dest, distance, origin, tailnum, time_hour",
    ],
    ["a column too few", { origin: undefined }, "instances[1].origin", "must be text"],
  ])("refuses %s, naming row and column", async (_, change, path, message) => {
    const failure = await failureOf(engine.compute([flight, { ...flight, ...change }]));
    expect(failure).toMatchObject({ code: "invalid", faults: [{ path, message }] });
  });

  test("reads times with an offset, in UTC without one, and to the microsecond", async () => {
    const spec = {
      sql: "SELECT row_id, epoch_us(t) % 100000000 AS us FROM request",
      request: { t: "timestamp" as const },
      lookups: {},
      features: [{ name: "us", type: "float" as const }],
    };
    const times = await createFeatureEngine({ store: bench.store, spec });
    const computed = await times.compute(
      ["1970-01-01T00:00:01Z", "1970-01-01 02:00:01+02", "1970-01-01T00:00:01", "1970-01-01T00:00:00.000123Z", "1970-01-01"].map(
        (t) => ({ t }),
      ),
    );
    expect([...(computed.columns[0]?.values ?? [])]).toEqual([1e6, 1e6, 1e6, 123, 0]);
    await times.close();
  });

  test("answers others when one caller's row fails the query of all", async () => {
    const spec = {
      sql: "SELECT row_id, CAST(word AS INTEGER) AS number FROM request",
      request: { word: "string" as const },
      lookups: {},
      features: [{ name: "number", type: "float" as const }],
    };
    const numbers = await createFeatureEngine({ store: bench.store, spec });
    const [good, bad, fine] = await Promise.allSettled([
      numbers.compute([{ word: "1" }]),
      numbers.compute([{ word: "one" }]),
      numbers.compute([{ word: "3" }]),
    ]);
    expect(good).toMatchObject({ status: "fulfilled", value: { columns: [{ values: Float32Array.of(1) }] } });
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "feature-sql" } });
    expect(fine).toMatchObject({ status: "fulfilled", value: { columns: [{ values: Float32Array.of(3) }] } });
    await numbers.close();
    expect(await failureOf(numbers.compute([{ word: "1" }]))).toMatchObject({ code: "unavailable" });
  });

  test("refuses a spec whose SQL reaches out, though it came from the store", async () => {
    const spec = { ...engine.spec, sql: "SELECT row_id, content AS carrier FROM request, read_text('/etc/hostname')" };
    expect(await failureOf(createFeatureEngine({ store: bench.store, spec }))).toMatchObject({ code: "feature-sql" });
  });
});
