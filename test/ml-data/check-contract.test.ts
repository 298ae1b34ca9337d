import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkContract } from "../../ml/contracts/check-contract.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { checkout, readExample } from "./example.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.remove());

/** The report on one file of a source called `people`, by a contract of this table. */
async function reportOn(file: string, table: object) {
  const { manifest } = await freezeDataset(
    {
      dataRoot: rootAt(bench.dataRoot),
      store: bench.store,
      data: { rows: "people", sources: { people: { files: file } } },
      parameters: {},
    },
    unwatched,
  );
  const contract = parseContract({ apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "people", ...table }] });
  return checkContract({ contract, manifest, store: bench.store, now: new Date() }, unwatched);
}

async function failing(file: string, table: object) {
  const report = await reportOn(file, table);
  return report.rules.filter((rule) => rule.outcome === "fail");
}

describe("checking data against its contract", () => {
  test("finds the impossible wind of February 2013 in the published weather, and nothing else", async () => {
    const definition = await readExample("flight-delays");
    const { manifest } = await freezeDataset(
      { dataRoot: rootAt(checkout), store: bench.store, data: definition.data, parameters: {} },
      unwatched,
    );
    const report = await checkContract(
      { contract: parseContract(definition.contract), manifest, store: bench.store, now: new Date() },
      unwatched,
    );
    expect(report).toMatchObject({ source: "flights", rows: 80_789 });
    expect(report.rules.length).toBeGreaterThan(60);
    expect(report.rules.filter((rule) => rule.outcome === "fail")).toEqual([
      expect.objectContaining({
        column: "weather.wind_speed",
        severity: "warning",
        message: "the query gave 1, and it must be 0",
      }),
    ]);
  });

  test("reads the CSV of the credits with the contract's types", async () => {
    const definition = await readExample("credit-risk");
    const { manifest } = await freezeDataset(
      { dataRoot: rootAt(checkout), store: bench.store, data: definition.data, parameters: {} },
      unwatched,
    );
    const report = await checkContract(
      { contract: parseContract(definition.contract), manifest, store: bench.store, now: new Date() },
      unwatched,
    );
    const failed = report.rules.filter((rule) => rule.outcome === "fail");
    expect(failed.map((rule) => [rule.column, rule.severity, rule.failing])).toEqual([["checking_account", "warning", 394]]);
    expect(failed[0]?.sample[0]).toEqual({ row: 3, file: "examples/credit-risk/data/german-credit.csv", value: "not_known" });
  });

  test("names column, count, file and row of cells that are not of their type, yes and no among booleans not among them", async () => {
    await bench.write(
      "people.csv",
      "name,age,member,born,score\nAda,36,yes,1815-12-10,1.5\nBen,old,no,1990-02-30,2\nEve,4.5,perhaps,2001-01-01,high\n,,,,\n",
    );
    const failed = await failing("people.csv", {
      properties: [
        { name: "name", logicalType: "string", required: true },
        { name: "age", logicalType: "integer" },
        { name: "member", logicalType: "boolean" },
        { name: "born", logicalType: "date" },
        { name: "score", logicalType: "number" },
      ],
    });
    expect(failed.map(({ column, message, sample }) => [column, message, sample.map(({ row, value }) => [row, value])])).toEqual([
      ["name", "1 of 4 rows are null", [[4, "(null)"]]],
      [
        "age",
        "2 of 4 rows are no integer",
        [
          [2, "old"],
          [3, "4.5"],
        ],
      ],
      ["member", "1 of 4 rows are no boolean", [[3, "perhaps"]]],
      ["born", "1 of 4 rows are no date", [[2, "1990-02-30"]]],
      ["score", "1 of 4 rows are no number", [[3, "high"]]],
    ]);
  });

  test("counts rows in the file in which they are", async () => {
    await bench.write("split/1.csv", "age\n1\n2\n");
    await bench.write("split/2.csv", "age\n3\nfour\n");
    const [failed] = await failing("split/*.csv", { properties: [{ name: "age", logicalType: "integer" }] });
    expect(failed?.sample).toEqual([{ row: 2, file: "split/2.csv", value: "four" }]);
  });

  test.each([
    ["minimum", { logicalType: "integer", logicalTypeOptions: { minimum: 3 } }, 2],
    ["exclusiveMinimum", { logicalType: "integer", logicalTypeOptions: { exclusiveMinimum: 3 } }, 3],
    ["maximum", { logicalType: "integer", logicalTypeOptions: { maximum: 3 } }, 1],
    ["exclusiveMaximum", { logicalType: "integer", logicalTypeOptions: { exclusiveMaximum: 3 } }, 2],
    ["multipleOf", { logicalType: "integer", logicalTypeOptions: { multipleOf: 2 } }, 2],
    ["required", { required: true }, 1],
    ["unique", { unique: true }, 0],
    ["primaryKey", { primaryKey: true }, 1],
  ])("counts what breaks %s", async (_, rule, expected) => {
    await bench.write("numbers.csv", 'n\n1\n2\n3\n4\n""\n');
    const failed = await failing("numbers.csv", { properties: [{ name: "n", ...rule }] });
    expect(failed.reduce((total, one) => total + one.failing, 0)).toBe(expected);
  });

  test.each([
    ["minLength", { logicalType: "string", logicalTypeOptions: { minLength: 2 } }, 1],
    ["maxLength", { logicalType: "string", logicalTypeOptions: { maxLength: 2 } }, 2],
    ["pattern", { logicalType: "string", logicalTypeOptions: { pattern: "^[a-z]+$" } }, 1],
    ["unique", { unique: true }, 1],
    ["duplicateValues", { quality: [{ metric: "duplicateValues", mustBe: 0 }] }, 1],
    ["nullValues in percent", { quality: [{ metric: "nullValues", mustBeLessThan: 16, unit: "percent" }] }, 1],
    [
      "missingValues with the empty cell",
      { quality: [{ metric: "missingValues", arguments: { missingValues: ["", "n/a"] }, mustBe: 0 }] },
      2,
    ],
    ["invalidValues by list", { quality: [{ metric: "invalidValues", arguments: { validValues: ["ab", "a"] }, mustBe: 0 }] }, 2],
    ["invalidValues by pattern", { quality: [{ metric: "invalidValues", arguments: { pattern: "^a" }, mustBe: 0 }] }, 1],
    [
      "invalidValues within what is allowed",
      { quality: [{ metric: "invalidValues", arguments: { pattern: "^a" }, mustBeLessOrEqualTo: 1 }] },
      0,
    ],
  ])("counts text that breaks %s", async (_, rule, expected) => {
    await bench.write("words.csv", "w,x\na,1\nab,1\nab,1\nn/a,1\nabc,1\n,1\n");
    const failed = await failing("words.csv", { properties: [{ name: "w", ...rule }] });
    if (expected === 0) expect(failed).toEqual([]);
    else expect(failed[0]?.failing).toBe(expected);
  });

  test("checks keys of several columns, the number of rows, and SQL over the typed table", async () => {
    await bench.write("visits.csv", "who,day,hours\nada,1,2\nada,2,3\nben,1,4\nada,2,5\n");
    const failed = await failing("visits.csv", {
      properties: [
        { name: "who", logicalType: "string", primaryKey: true, primaryKeyPosition: 1 },
        { name: "day", logicalType: "integer", primaryKey: true, primaryKeyPosition: 2 },
        {
          name: "hours",
          logicalType: "integer",
          quality: [
            {
              type: "sql",
              name: "average",
              query: "SELECT avg({property}) FROM {object}",
              mustBeLessThan: 3,
              severity: "warning",
            },
          ],
        },
      ],
      quality: [
        { metric: "rowCount", mustBeBetween: [5, 10] },
        { metric: "duplicateValues", arguments: { properties: ["who", "hours"] }, mustBe: 0 },
        { type: "sql", query: "SELECT bool_and(day < 3) FROM ${object}", mustBe: 1 },
        { type: "text", description: "Everybody signs." },
      ],
    });
    expect(failed.map(({ rule, severity, message, sample }) => [rule, severity, message, sample[0]?.row])).toEqual([
      ["average", "warning", "the query gave 3.5, and it must be less than 3", undefined],
      ["primary key", "error", "1 of 4 rows repeat a primary key", 4],
      ["rowCount must be between 5 and 10", "error", "there are 4 rows, and their number must be between 5 and 10", undefined],
    ]);
  });

  test("says when a column is not there or has another type in Parquet, and takes whole numbers in a DOUBLE for integers", async () => {
    await bench.writeTable(
      "typed.parquet",
      "SELECT 1.0::DOUBLE AS whole, 1.5::DOUBLE AS half, 'x' AS word, TIMESTAMP '2013-01-01' AS at",
    );
    const failed = await failing("typed.parquet", {
      properties: [
        { name: "whole", logicalType: "integer" },
        { name: "half", logicalType: "integer" },
        { name: "word", logicalType: "number" },
        { name: "absent" },
        { name: "at", logicalType: "timestamp", logicalTypeOptions: { minimum: "2014-01-01" } },
      ],
    });
    expect(failed.map(({ column, message }) => [column, message])).toEqual([
      ["half", "1 of 1 rows are no integer"],
      ["word", "is VARCHAR in the files, but number in the contract"],
      ["absent", "is not in the files"],
      ["at", "1 of 1 rows are below 2014-01-01"],
    ]);
  });

  test("refuses SQL of a contract that leaves its tables", async () => {
    await bench.write("one.csv", "a\n1\n");
    for (const query of [
      "SELECT count(*) FROM read_csv('/etc/passwd')",
      "SELECT 1; DROP TABLE people",
      "SELECT * FROM duckdb_settings()",
    ]) {
      const failure = await failureOf(failing("one.csv", { quality: [{ type: "sql", query, mustBe: 0 }] }));
      expect(failure, query).toMatchObject({ code: "invalid", faults: [{ path: "contract.schema[0].quality[0].query" }] });
    }
  });

  test("names the pattern that DuckDB cannot read", async () => {
    await bench.write("one.csv", "a\n1\n");
    const failure = await failureOf(
      failing("one.csv", { properties: [{ name: "a", logicalType: "string", logicalTypeOptions: { pattern: "(?=a)" } }] }),
    );
    expect(failure).toMatchObject({
      code: "invalid",
      faults: [{ path: "contract.schema[0].properties[0].logicalTypeOptions.pattern" }],
    });
  });

  test("refuses a contract of other tables than the sources", async () => {
    await bench.write("one.csv", "a\n1\n");
    expect((await failureOf(failing("one.csv", { name: "persons" }))).faults.map((fault) => fault.message)).toEqual([
      "persons is none of the sources people",
      "does not describe people, whose rows are the examples",
    ]);
  });
});

describe("a data contract", () => {
  test.each([
    ["an unknown key", { schema: [{ name: "t", propertys: [] }] }, "contract.schema[0]"],
    [
      "a type of rule that nobody runs",
      { schema: [{ name: "t", quality: [{ type: "custom", engine: "soda" }] }] },
      "contract.schema[0].quality[0].type",
    ],
    [
      "an unknown metric",
      { schema: [{ name: "t", quality: [{ metric: "freshness", mustBe: 0 }] }] },
      "contract.schema[0].quality[0].metric",
    ],
    [
      "a rule without an operator",
      { schema: [{ name: "t", quality: [{ metric: "rowCount" }] }] },
      "contract.schema[0].quality[0]",
    ],
    [
      "a rule with two operators",
      { schema: [{ name: "t", quality: [{ metric: "rowCount", mustBe: 1, mustNotBe: 2 }] }] },
      "contract.schema[0].quality[0]",
    ],
    [
      "an unknown type",
      { schema: [{ name: "t", properties: [{ name: "a", logicalType: "blob" }] }] },
      "contract.schema[0].properties[0].logicalType",
    ],
    [
      "an option of another type",
      { schema: [{ name: "t", properties: [{ name: "a", logicalType: "integer", logicalTypeOptions: { minLength: 1 } }] }] },
      "contract.schema[0].properties[0].logicalTypeOptions.minLength",
    ],
    ["another version", { apiVersion: "v2.2.2" }, "contract.apiVersion"],
    ["no table", { schema: [] }, "contract.schema"],
  ])("with %s is refused at its path", async (_, change, path) => {
    const contract = { apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "t" }], ...change };
    const failure = await failureOf(Promise.resolve().then(() => parseContract(contract)));
    expect(failure.code).toBe("invalid");
    expect(failure.faults.map((fault) => fault.path)).toContain(path);
  });
});
