import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFeatureEngine } from "../../ml/features/compute-features.ts";
import { featurize, type Made } from "./made-definition.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
  await bench.writeTable(
    "asked.parquet",
    "SELECT n::INTEGER AS n, n % 3 AS who, TIMESTAMP '2024-01-01' + n * INTERVAL 1 HOUR AS at, n % 2 = 0 AS yes FROM range(240) t(n)",
  );
  // Each account changes its status once a day at six, and the change of the last day comes after all requests.
  await bench.writeTable(
    "status.parquet",
    "SELECT a AS account, d AS level, TIMESTAMP '2024-01-01 06:00:00' + d * INTERVAL 1 DAY AS since FROM range(3) x(a), range(11) y(d) WHERE NOT (a = 2 AND d BETWEEN 3 AND 8)",
  );
});
afterAll(() => bench.remove());

const made = (ttl?: string): Made => ({
  files: "asked.parquet",
  request: { n: "integer", who: "integer", at: "timestamp" },
  sql: "SELECT r.row_id, r.n, s.level, date_diff('hour', s.since, r.at) AS age FROM request AS r LEFT JOIN status AS s USING (row_id)",
  label: { sql: "yes" },
  lookups: {
    status: {
      files: "status.parquet",
      asOf: { key: { account: "who" }, time: "since", at: "at", ...(ttl === undefined ? {} : { ttl }) },
    },
  },
});

describe("a lookup that changes with time", () => {
  test("is seen as it stood at the request's moment, the same in training and in serving", async () => {
    const { ask, spec, result, checks } = await featurize(bench, made());
    const rows = await ask("SELECT n, level, age FROM (FROM train UNION ALL FROM held) ORDER BY n");
    for (const row of rows) {
      const n = Number(row["n"]);
      const changes = Array.from({ length: 11 }, (_, day) => day).filter(
        (day) => 6 + 24 * day <= n && !(n % 3 === 2 && day >= 3 && day <= 8),
      );
      const level = changes.at(-1) ?? null;
      expect(row, `row ${n}`).toEqual({ n, level, age: level === null ? null : n - 6 - 24 * level });
    }
    expect(checks.lineage).toEqual({ n: ["t.n"], level: ["status.level"], age: ["status.since", "t.at"] });
    expect(spec.lookups["status"]).toMatchObject({ rows: 27, asOf: "2024-01-11T06:00:00.000Z", join: { ttlSeconds: null } });
    const engine = await createFeatureEngine({ store: bench.store, spec });
    const at = (hour: number) => new Date(Date.UTC(2024, 0, 1, hour)).toISOString();
    const answers = await engine.compute([5, 6, 30, 29].map((n) => ({ n, who: 0, at: at(n) })));
    expect([...(answers.columns[1]?.values ?? [])]).toEqual([Number.NaN, 0, 1, 0]);
    const whole = await engine.computeFromParquet(result.holdoutRequests);
    expect([...(whole.columns[1]?.values ?? [])].map((value) => (Number.isNaN(value) ? null : value))).toEqual(
      (await ask("SELECT level FROM held ORDER BY row_id")).map((row) => row["level"]),
    );
    await engine.close();
  });

  test("counts as none when it is older than its time to live", async () => {
    const { ask } = await featurize(bench, made("12h"));
    expect(
      await ask(
        "SELECT max(age) AS oldest, count(*) FILTER (WHERE level IS NULL) > 100 AS gaps FROM (FROM train UNION ALL FROM held)",
      ),
    ).toEqual([{ oldest: 12, gaps: true }]);
  });

  test("keeps its other rows out of the SQL's reach", async () => {
    for (const table of ['"history of status"', "t"]) {
      const failure = await failureOf(featurize(bench, { ...made(), sql: `SELECT row_id, n FROM request, ${table}` }));
      expect(failure).toMatchObject({ code: "feature-sql", message: expect.stringContaining("There is no table") });
    }
  });

  test("blocks when two rows of a key hold from the same moment, or when its columns are not there", async () => {
    await bench.writeTable(
      "twice.parquet",
      "SELECT 0 AS account, n AS level, TIMESTAMP '2024-01-01' AS since FROM range(2) t(n)",
    );
    const asOf = { key: { account: "who" }, time: "since", at: "at" };
    const other = (lookup: NonNullable<Made["lookups"]>[string]) =>
      failureOf(featurize(bench, { ...made(), lookups: { status: lookup } }));
    expect(await other({ files: "twice.parquet", asOf })).toMatchObject({
      code: "contract-broken",
      message: expect.stringContaining("1 rows with the key and the time of another row"),
    });
    expect(await other({ files: "status.parquet", asOf: { ...asOf, key: { owner: "who" } } })).toMatchObject({
      code: "source-schema",
      message: "features.asOf.status: status has no column owner.",
    });
    expect(await other({ files: "status.parquet", asOf: { ...asOf, time: "level" } })).toMatchObject({ code: "source-schema" });
  });
});
