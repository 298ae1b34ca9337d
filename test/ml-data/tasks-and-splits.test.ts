import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { featurize, type Made } from "./made-definition.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
  await bench.writeTable(
    "shop.parquet",
    `SELECT n::INTEGER AS n, 'c' || (hash(n) % 40) AS customer, TIMESTAMP '2024-01-01' + n * INTERVAL 1 HOUR AS at,
     ['oak', 'ash', 'élm'][1 + (hash(n * 7) % 10 > 5)::INTEGER + (hash(n * 7) % 10 > 8)::INTEGER] AS tree, (hash(n * 3) % 1000) / 10.0 AS price FROM range(800) t(n)`,
  );
});
afterAll(() => bench.remove());

const shop: Made = {
  files: "shop.parquet",
  request: { n: "integer", at: "timestamp" },
  sql: "SELECT row_id, n FROM request",
  label: { sql: "price > 50" },
};

describe("a label", () => {
  test("of several classes is an index into their names in order", async () => {
    const { spec, result, ask, checks } = await featurize(bench, { ...shop, label: { sql: "tree", task: "multiclass" } });
    expect(spec.label).toEqual({ task: "multiclass", classes: ["ash", "oak", "élm"] });
    expect(result.summary).toContain("3 classes");
    expect(await ask("SELECT typeof(label) AS type, min(label) AS low, max(label) AS high FROM train GROUP BY 1")).toEqual([
      { type: "INTEGER", low: 0, high: 2 },
    ]);
    const source = `read_parquet('${bench.dataRoot}/shop.parquet')`;
    expect(await ask(`SELECT DISTINCT label, tree FROM train JOIN ${source} USING (n) ORDER BY label`)).toEqual([
      { label: 0, tree: "ash" },
      { label: 1, tree: "oak" },
      { label: 2, tree: "élm" },
    ]);
    expect(Object.keys(checks.label.holdout)).toEqual(["ash", "oak", "élm"]);
  });

  test("that is a number stays one", async () => {
    const { spec, ask, checks } = await featurize(bench, { ...shop, label: { sql: "price", task: "regression" } });
    expect(spec.label).toEqual({ task: "regression" });
    expect(
      await ask("SELECT typeof(label) AS type, max(label) AS high FROM (FROM train UNION ALL FROM held) GROUP BY 1"),
    ).toEqual([{ type: "DOUBLE", high: 99.9 }]);
    expect(checks.telling).toEqual([{ feature: "n", method: "r2", value: expect.any(Number) }]);
  });

  test.each([
    ["a number for classes of text", { sql: "price", task: "multiclass" }, "feature-sql", /gives DOUBLE, and must give text/],
    ["text for a number", { sql: "tree", task: "regression" }, "feature-sql", /gives VARCHAR, and must give a number/],
    ["text for yes and no", { sql: "tree" }, "feature-sql", /gives VARCHAR, and must give true, false or null/],
    ["more classes than anybody reads", { sql: "n", task: "multiclass" }, "feature-sql", /more than 200 classes/],
    ["one class alone", { sql: "'oak'", task: "multiclass" }, "too-few-rows", /all rows are of one class/],
    ["one number alone", { sql: "7", task: "regression" }, "too-few-rows", /all rows have the same label/],
    [
      "a number that is infinite",
      { sql: "CASE WHEN n = 3 THEN 'infinity'::DOUBLE ELSE price END", task: "regression" },
      "feature-sql",
      /1 rows have a label that is NaN or infinite/,
    ],
    [
      "a class that training never sees",
      { sql: "CASE WHEN n = 799 THEN 'last' ELSE tree END", task: "multiclass" },
      "too-few-rows",
      /no row of the class last/,
    ],
  ] as const)("%s blocks", async (_, label, code, message) => {
    const byTime = { ...shop, time: "at", split: { by: "time" as const } };
    const failure = await failureOf(featurize(bench, { ...byTime, label }));
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("a split", () => {
  test("by group keeps whole groups on one side, by the seed", async () => {
    const by = { ...shop, split: { by: "group" as const, group: "customer" } };
    const { result, ask } = await featurize(bench, by);
    const source = `read_parquet('${bench.dataRoot}/shop.parquet')`;
    expect(
      await ask(
        `SELECT count(*) AS n FROM (SELECT DISTINCT customer FROM train JOIN ${source} USING (n)) SEMI JOIN (SELECT customer FROM held JOIN ${source} USING (n)) USING (customer)`,
      ),
    ).toEqual([{ n: "0" }]);
    expect(result.holdoutRows / 800).toBeGreaterThan(0.24);
    expect(result.holdoutRows / 800).toBeLessThan(0.33);
    expect((await featurize(bench, by)).result).toEqual(result);
  });

  test("that is stratified keeps the shares of the classes to the row", async () => {
    const { ask } = await featurize(bench, { ...shop, label: { sql: "tree", task: "multiclass" }, split: { by: "stratified" } });
    const shares = await ask(
      "SELECT label, count(*) FILTER (WHERE h) / count(*) AS share FROM (SELECT label, false AS h FROM train UNION ALL SELECT label, true FROM held) GROUP BY label",
    );
    for (const { share } of shares) expect(Math.abs(Number(share) - 0.25)).toBeLessThan(0.01);
  });

  test("by a group that is not there, or of one group, or without one, blocks", async () => {
    const by = (group: string) => featurize(bench, { ...shop, split: { by: "group", group } });
    expect(await failureOf(by("nobody"))).toMatchObject({
      code: "source-schema",
      message: "split.group: t has no column nobody.",
    });
    await bench.writeTable(
      "one.parquet",
      "SELECT n::INTEGER AS n, n % 3 AS price, 'a' AS same, CASE WHEN n > 5 THEN 'a' END AS gaps FROM range(300) t(n)",
    );
    const one = { ...shop, files: "one.parquet", request: { n: "integer" as const }, label: { sql: "price = 1" } };
    expect(await failureOf(featurize(bench, { ...one, split: { by: "group", group: "same" } }))).toMatchObject({
      code: "too-few-rows",
    });
    expect(await failureOf(featurize(bench, { ...one, split: { by: "group", group: "gaps" } }))).toMatchObject({
      code: "contract-broken",
      message: "6 rows with a label have no gaps, by which they are split.",
    });
  });
});
