import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { featureOriginsInWords } from "../../domain/data-words.ts";
import { columnLineage } from "../../ml/features/lineage.ts";
import { featurize, type Made } from "./made-definition.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
  // 1,200 rows of which the last 100 have no outcome; `arrived` is known only with it.
  await bench.writeTable(
    "trips.parquet",
    `SELECT n::INTEGER AS n, TIMESTAMP '2024-01-01' + n * INTERVAL 1 HOUR AS at, TIMESTAMP '2024-01-01 02:00:00' + n * INTERVAL 1 HOUR AS arrived_at, hash(n) % 10 AS noise,
     CASE WHEN n < 1100 THEN hash(n * 5) % 100 > 60 END AS late, CASE WHEN late IS NOT NULL THEN CASE WHEN late THEN 50 + hash(n) % 20 ELSE hash(n) % 30 END END AS delay,
     'r' || CASE WHEN n > 900 THEN 9 ELSE hash(n) % 3 END AS road, 1 AS same FROM range(1200) t(n)`,
  );
});
afterAll(() => bench.remove());

const trips: Made = {
  files: "trips.parquet",
  request: { n: "integer", noise: "integer" },
  sql: "SELECT row_id, noise FROM request",
  label: { sql: "late" },
  time: "at",
  split: { by: "time" },
};
const kinds = async (made: Made) =>
  (await featurize(bench, made)).checks.findings.map(({ kind, column, severity }) => [kind, column, severity]);

describe("the checks of features", () => {
  test("find a feature that gives the label away, and a column that comes with the outcome", async () => {
    const { checks, result } = await featurize(bench, {
      ...trips,
      request: { delay: "integer", noise: "integer", arrived_at: "timestamp" },
      sql: "SELECT row_id, delay, noise, hour(arrived_at) AS hour FROM request",
    });
    expect(checks.findings.map(({ kind, column }) => [kind, column])).toEqual(
      expect.arrayContaining([
        ["known-later", "delay"],
        ["known-later", "arrived_at"],
        ["leakage", "delay"],
      ]),
    );
    expect(checks.telling[0]).toMatchObject({ feature: "delay", method: "auc" });
    expect(checks.telling[0]?.value).toBeGreaterThan(0.999);
    expect(checks.telling.find(({ feature }) => feature === "noise")?.value).toBeLessThan(0.6);
    expect(checks.verdict).toBe("warn");
    // As an approver reads it.
    const origins = featureOriginsInWords(checks);
    expect(origins).toHaveLength(3);
    expect(origins[0]).toMatch(/^delay: AUC (1\.000|0\.999) alone; from \w+\.delay\.$/);
    expect(origins.find((line) => line.startsWith("hour"))).toMatch(/ alone; from \w+\.arrived_at\.$/);
    expect(result.summary).toMatch(/warnings: delay is missing in 100 % of the rows without an outcome/);
  });

  test("block a feature that gives the label away, unless the definition accepts it with a reason", async () => {
    const leaking = {
      ...trips,
      request: { delay: "integer", noise: "integer" },
      sql: "SELECT row_id, delay, noise FROM request",
    } as const;
    const { checks, stage } = await featurize(bench, leaking);
    expect(checks.findings.find(({ kind }) => kind === "leakage")).toMatchObject({ column: "delay", certain: true });
    const failure = await failureOf(stage());
    expect(failure).toMatchObject({ type: "leakage", message: expect.stringContaining("delay alone ranks the holdout") });
    const accept = [{ finding: "leakage" as const, features: ["delay"], reason: "It is what the sensor itself reports." }];
    const accepted = await featurize(bench, { ...leaking, accept });
    await accepted.stage();
    // As an approver and the evaluation's notes have it.
    expect(accepted.result.summary).toContain("(accepted by the definition: It is what the sensor itself reports.)");
    // A reason for one feature is none for another.
    const other = await featurize(bench, { ...leaking, accept: [{ ...accept[0]!, features: ["noise"] }] });
    expect(await failureOf(other.stage())).toMatchObject({ type: "leakage" });
  });

  test("block a pair that gives the label away together, though neither does alone", async () => {
    await bench.writeTable(
      "pair.parquet",
      "SELECT n::INTEGER AS n, hash(n) % 100 AS a, hash(n * 7) % 100 AS b, hash(n * 13) % 100 AS c, (a >= 50) <> (b >= 50) AS late FROM range(3000) t(n)",
    );
    const made = {
      files: "pair.parquet",
      request: { a: "integer", b: "integer", c: "integer" },
      sql: "SELECT row_id, a, b, c FROM request",
      label: { sql: "late" },
    } as const;
    const { checks, stage } = await featurize(bench, made);
    expect(Math.max(...checks.telling.map(({ value }) => value))).toBeLessThan(0.6);
    expect(checks.findings.filter(({ kind }) => kind === "leakage")).toEqual([
      expect.objectContaining({ column: "a, b", certain: true, message: expect.stringContaining("a and b together") }),
    ]);
    expect(await failureOf(stage())).toMatchObject({ type: "leakage" });
    const numbers = await featurize(bench, { ...made, label: { sql: "a * b", task: "regression" } });
    expect(numbers.checks.findings.some(({ column }) => column === "a, b")).toBe(true);
  });

  test("block holdout rows that training has seen with their labels, not coarse columns that repeat", async () => {
    await bench.writeTable(
      "twice.parquet",
      "SELECT n::INTEGER AS n, hash(n % 700) % 1000 AS a, hash(n % 700 * 3) % 1000 AS b, hash(n % 700 * 5) % 2 = 0 AS late FROM range(1400) t(n)",
    );
    const made = {
      files: "twice.parquet",
      request: { a: "integer", b: "integer" },
      sql: "SELECT row_id, a, b FROM request",
      label: { sql: "late" },
    } as const;
    const { checks, stage } = await featurize(bench, made);
    expect(checks.findings.find(({ kind }) => kind === "overlap")).toMatchObject({ certain: true });
    expect(await failureOf(stage())).toMatchObject({
      type: "leakage",
      message: expect.stringContaining("have the label that training saw"),
    });
    const accept = [{ finding: "overlap" as const, reason: "Each row was measured twice on purpose." }];
    await (await featurize(bench, { ...made, accept })).stage();
    // `road` and `same` repeat in every row, whatever came of it.
    const coarse = await featurize(bench, {
      ...trips,
      request: { road: "string", same: "integer" },
      sql: "SELECT row_id, road, same FROM request",
    });
    expect(coarse.checks.findings.find(({ kind }) => kind === "overlap")).not.toHaveProperty("certain");
    await coarse.stage();
  });

  test("say nothing of features that are only features", async () => {
    expect(await kinds(trips)).toEqual([]);
  });

  test("find constants, categories that training never saw, and holdout rows that it did", async () => {
    expect(
      await kinds({ ...trips, request: { road: "string", same: "integer" }, sql: "SELECT row_id, road, same FROM request" }),
    ).toEqual([
      ["overlap", null, "warning"],
      ["unseen-category", "road", "warning"],
      ["constant", "same", "warning"],
    ]);
  });

  test("see a label that spreads otherwise in the holdout", async () => {
    expect(await kinds({ ...trips, label: { sql: "CASE WHEN n > 850 THEN n % 3 > 0 ELSE n % 5 = 0 END" } })).toEqual([
      ["label-shift", null, "warning"],
    ]);
    expect(await kinds({ ...trips, label: { sql: "n + 0.5", task: "regression" } })).toEqual([["label-shift", null, "warning"]]);
  });

  test("are no question where the contract knows that a column comes afterwards", async () => {
    const properties = [{ name: "delay", customProperties: [{ property: "knownAfterEvent", value: true }] }];
    const failure = await failureOf(
      featurize(bench, { ...trips, properties, request: { delay: "integer" }, sql: "SELECT row_id, delay FROM request" }),
    );
    expect(failure).toMatchObject({ code: "invalid", faults: [{ path: "features.request.delay" }] });
  });
});

describe("lineage", () => {
  test.each([
    [
      "through WITH, stars and renaming",
      "WITH a(x, y) AS (SELECT n, m FROM request), b AS (SELECT *, x + 1 AS z FROM a) SELECT row_id, b.* EXCLUDE (x), y AS w FROM request, b",
      { y: ["request.m"], z: ["request.n"], w: ["request.m"] },
    ],
    [
      "through aggregates over a lookup",
      "SELECT r.row_id, t.total FROM request AS r LEFT JOIN (SELECT k, sum(v) AS total FROM look GROUP BY k) AS t ON t.k = r.n",
      { total: ["look.v"] },
    ],
    [
      "through a subquery that looks outside",
      "SELECT row_id, (SELECT max(v + n) FROM look WHERE k = n) AS best FROM request",
      { best: ["look.v", "request.n"] },
    ],
    [
      "through CASE, functions and an alias of the same list",
      "SELECT row_id, n * 2 AS d, CASE WHEN d > 3 THEN upper(m) END AS u FROM request",
      { d: ["request.n"], u: ["request.m", "request.n"] },
    ],
    ["through UNION", "SELECT row_id, n AS a FROM request UNION ALL SELECT k, v FROM look", { a: ["look.v", "request.n"] }],
    [
      "through stars that replace and rename",
      "SELECT * REPLACE (n + 1 AS m) RENAME (n AS k) FROM request",
      { m: ["request.n"], k: ["request.n"] },
    ],
    [
      "through a whole row and columns chosen by pattern, of which any may be meant",
      "SELECT r.row_id, struct_extract(r, 'm') AS s, coalesce(COLUMNS('n')) AS c FROM request AS r",
      { s: ["request.m", "request.n", "request.row_id"], c: ["request.m", "request.n", "request.row_id"] },
    ],
    [
      "through the parameter of a lambda and rows of a function",
      "SELECT row_id, list_sum(list_transform([n], e -> e + 1)) AS a, f AS b FROM request, unnest([m, 1]) AS u(f)",
      { a: ["request.n"], b: ["request.m"] },
    ],
    [
      "through USING and lateral joins",
      "SELECT row_id, q FROM request JOIN LATERAL (SELECT n + 1 AS q) AS l ON true",
      { q: ["request.n"] },
    ],
  ])("follows a feature %s", async (_, sql, expected) => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const found = await columnLineage(
      connection,
      sql,
      new Map([
        ["request", ["row_id", "n", "m"]],
        ["look", ["k", "v"]],
      ]),
    );
    const named = Object.fromEntries(found.map(({ name, origins }) => [name, [...origins].toSorted()]));
    delete named["row_id"];
    expect(named).toEqual(expected);
    connection.closeSync();
    instance.closeSync();
  });
});
