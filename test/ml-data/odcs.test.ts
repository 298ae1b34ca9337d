import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SourceDefinition } from "../../domain/definition-schema.ts";
import type { ValidationReport } from "../../domain/stage-results.ts";
import { checkContract } from "../../ml/contracts/check-contract.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.remove());

interface Check {
  sources: Record<string, SourceDefinition>;
  schema: object[];
  slaProperties?: object[];
  now?: string;
}

async function report({ sources, now, ...contract }: Check): Promise<ValidationReport> {
  const data = { rows: Object.keys(sources)[0] ?? "", sources };
  const { manifest } = await freezeDataset(
    { dataRoot: rootAt(bench.dataRoot), store: bench.store, data, parameters: {} },
    unwatched,
  );
  return checkContract(
    {
      contract: parseContract({ apiVersion: "v3.1.0", kind: "DataContract", ...contract }),
      manifest,
      store: bench.store,
      now: new Date(now ?? Date.now()),
    },
    unwatched,
  );
}

async function failing(check: Check) {
  return (await report(check)).rules
    .filter(({ outcome }) => outcome === "fail")
    .map(({ column, message, sample }) => [column, message, sample.map(({ row, value }) => `${row}: ${value}`)]);
}

/** What a column of these cells breaks; in CSV and in JSON Lines. */
async function ofCells(cells: string[], property: object) {
  await bench.write("cells.csv", `v,n\n${cells.map((cell, at) => `"${cell.replaceAll('"', '""')}",${at}`).join("\n")}\n`);
  await bench.write("cells.jsonl", `${cells.map((v, n) => JSON.stringify({ v, n })).join("\n")}\n`);
  const ask = (files: string) =>
    failing({ sources: { t: { files } }, schema: [{ name: "t", properties: [{ name: "v", ...property }] }] });
  const csv = await ask("cells.csv");
  expect(await ask("cells.jsonl")).toEqual(csv);
  return csv.map(([, message, sample]) => `${String(message)} (${String(sample)})`);
}

describe("ODCS 3.1", () => {
  test.each([
    ["email", ["a@b.org", "a b@c.d", "ö@münchen"], "2 of 3 rows are no email (2: a b@c.d,3: ö@münchen)"],
    ["uuid", ["123e4567-e89b-12d3-a456-426614174000", "123"], "1 of 2 rows are no uuid (2: 123)"],
    ["uri", ["https://a.b/c", "no uri"], "1 of 2 rows are no uri (2: no uri)"],
    ["hostname", ["a-b.example", "-a.b"], "1 of 2 rows are no hostname (2: -a.b)"],
    ["ipv4", ["10.0.0.255", "10.0.0.256", "1.2.3.4.5"], "2 of 3 rows are no ipv4 (2: 10.0.0.256,3: 1.2.3.4.5)"],
    ["ipv6", ["2001:db8::1", "12345::"], "1 of 2 rows are no ipv6 (2: 12345::)"],
  ])("tells text that is no %s", async (format, cells, message) => {
    expect(await ofCells(cells, { logicalType: "string", logicalTypeOptions: { format } })).toEqual([message]);
  });

  test.each([
    ["date", "dd.MM.yyyy", ["31.12.2024", "2024-12-31", "31.02.2024"], "2 of 3 rows are no date (2: 2024-12-31,3: 31.02.2024)"],
    [
      "timestamp",
      "dd/MM/yyyy HH:mm",
      ["01/02/2024 23:59", "01/13/2024 00:00"],
      "1 of 2 rows are no timestamp (2: 01/13/2024 00:00)",
    ],
    ["time", "HH'h'mm", ["23h59", "24h00"], "1 of 2 rows are no time (2: 24h00)"],
    ["time", undefined, ["23:59:59", "25:00:00"], "1 of 2 rows are no time (2: 25:00:00)"],
    ["integer", "u8", ["0", "255", "256", "-1"], "2 of 4 rows do not fit u8 (3: 256,4: -1)"],
    ["integer", "i16", ["-32768", "32768"], "1 of 2 rows do not fit i16 (2: 32768)"],
  ])("reads a %s of the format %s", async (logicalType, format, cells, message) => {
    expect(await ofCells(cells, { logicalType, logicalTypeOptions: format === undefined ? {} : { format } })).toEqual([message]);
  });

  test.each([
    ["array", {}, ["[1]", "1", "{}"], "2 of 3 rows are no array (2: 1,3: {})"],
    ["array", { minItems: 2, maxItems: 2 }, ["[1,2]", "[1]"], "1 of 2 rows have fewer than 2 entries (2: [1])"],
    ["array", { uniqueItems: true }, ["[1,2]", '["a","a"]'], '1 of 2 rows hold an entry twice (2: ["a","a"])'],
    ["object", { required: ["a"] }, ['{"a":1}', '{"b":1}'], '1 of 2 rows lack a property that is required (2: {"b":1})'],
    ["object", { maxProperties: 1 }, ['{"a":1}', '{"a":1,"b":2}'], '1 of 2 rows have more than 1 entries (2: {"a":1,"b":2})'],
  ])("looks into an %s with %j", async (logicalType, logicalTypeOptions, cells, message) => {
    expect(await ofCells(cells, { logicalType, logicalTypeOptions })).toEqual([message]);
  });

  test("follows references to other sources, of one column and of several", async () => {
    await bench.write("orders.csv", "id,customer,shop,till\n1,7,n,1\n2,8,n,2\n3,,s,1\n4,9,s,9\n");
    await bench.write("customers.csv", "id\n7\n8\n");
    await bench.write("tills.csv", "shop,number\nn,1\nn,2\ns,1\n");
    const sources = { orders: { files: "orders.csv" }, customers: { files: "customers.csv" }, tills: { files: "tills.csv" } };
    const schema = [
      {
        name: "orders",
        properties: [
          { name: "customer", logicalType: "integer", relationships: [{ to: "customers.id" }] },
          { name: "shop" },
          { name: "till", logicalType: "integer" },
        ],
        relationships: [{ type: "foreignKey", from: ["orders.shop", "orders.till"], to: ["tills.shop", "tills.number"] }],
      },
      { name: "customers", properties: [{ name: "id", logicalType: "integer", primaryKey: true }] },
      { name: "tills", properties: [{ name: "shop" }, { name: "number", logicalType: "integer" }] },
    ];
    expect(await failing({ sources, schema })).toEqual([
      ["customer", "1 of 4 rows refer to a row of customers that is not there", ["4: 9"]],
      [null, "1 of 4 rows refer to a row of tills that is not there", ["4: s, 9"]],
    ]);
    const strange = structuredClone(schema);
    Object.assign(strange[0]?.properties[0] ?? {}, { relationships: [{ to: "customers.name" }] });
    expect(await failureOf(failing({ sources, schema: strange }))).toMatchObject({
      code: "invalid",
      faults: [{ path: "contract.schema[0].properties[0].relationships[0]", message: "customers has no column name" }],
    });
  });

  test("knows how old the newest row is, counted from the end of a window that has passed", async () => {
    await bench.write("log-2024-01.csv", "at\n2024-01-02T00:00:00\n2024-01-30T00:00:00\n");
    const schema = [{ name: "log", properties: [{ name: "at", logicalType: "timestamp" }] }];
    const fresh = (value: number, unit: string) => [
      { property: "freshness", value, unit, element: "log.at" },
      { property: "retention", value: 3, unit: "y" },
    ];
    const plain = { log: { files: "log-2024-01.csv" } };
    expect(await failing({ sources: plain, schema, slaProperties: fresh(3, "d"), now: "2024-02-01T12:00:00Z" })).toEqual([]);
    expect(await failing({ sources: plain, schema, slaProperties: fresh(36, "h"), now: "2024-02-01T12:00:00Z" })).toEqual([
      ["at", "the newest row is 2.5 days old, and it must be 36 h at most", []],
    ]);
    const windowed = { log: { files: "log-{month}.csv", window: { months: 1, until: "2024-01" } } };
    expect(await failing({ sources: windowed, schema, slaProperties: fresh(3, "d"), now: "2026-01-01T00:00:00Z" })).toEqual([]);
  });

  test("shows no value of a sensitive column, alone or in a key", async () => {
    await bench.write("secret.csv", "name,iban,mail\nAda,DE1,a@b.c\nBen,DE1,nobody\nBen,DE1,x\n");
    const found = await failing({
      sources: { people: { files: "secret.csv" } },
      schema: [
        {
          name: "people",
          properties: [
            { name: "name", unique: true },
            { name: "iban", classification: "Restricted", unique: true },
            { name: "mail", logicalType: "string", tags: ["pii"], logicalTypeOptions: { format: "email" } },
          ],
          quality: [{ metric: "duplicateValues", arguments: { properties: ["name", "iban"] }, mustBe: 0 }],
        },
      ],
    });
    expect(found.map(([column, , sample]) => [column, sample])).toEqual([
      ["name", ["3: Ben"]],
      ["iban", ["2: (masked)", "3: (masked)"]],
      ["mail", ["2: (masked)", "3: (masked)"]],
      [null, ["3: (masked)"]],
    ]);
  });

  test("tells what nobody asked for: repeated rows, NaN, torn letters, text among numbers", async () => {
    await bench.writeTable(
      "odd.parquet",
      "SELECT n % 90 AS n, CASE WHEN n % 90 = 3 THEN 'nan'::DOUBLE ELSE n % 90 END AS x FROM range(100) t(n)",
    );
    const parquet = await report({ sources: { odd: { files: "odd.parquet" } }, schema: [{ name: "odd" }] });
    expect(parquet.findings?.map(({ kind, column, rows }) => [kind, column, rows])).toEqual([
      ["duplicate-rows", null, 10],
      ["not-finite", "x", 2],
    ]);
    await bench.write(
      "odd.csv",
      `id,size,city\n${Array.from({ length: 20 }, (_, n) => `${n},${n === 7 ? "seven" : n},${n === 3 ? "MÃ¼nchen" : "Köln"}`).join("\n")}\n`,
    );
    const csv = await report({ sources: { odd: { files: "odd.csv" } }, schema: [{ name: "odd" }] });
    expect(csv.findings?.map(({ kind, column, rows }) => [kind, column, rows])).toEqual([
      ["mixed-types", "size", 1],
      ["broken-text", "city", 1],
    ]);
  });

  test.each([
    [
      "columns within columns",
      { schema: [{ name: "t", properties: [{ name: "a", logicalType: "object", properties: [{ name: "b" }] }] }] },
      "contract.schema[0].properties[0].properties",
    ],
    [
      "a reference that is none",
      { schema: [{ name: "t", properties: [{ name: "a", relationships: [{ to: "b" }] }] }] },
      "contract.schema[0].properties[0].relationships[0].to",
    ],
    [
      "keys of different length",
      { schema: [{ name: "t", relationships: [{ from: ["t.a"], to: ["u.a", "u.b"] }] }] },
      "contract.schema[0].relationships[0].to",
    ],
    [
      "freshness of nothing",
      { schema: [{ name: "t" }], slaProperties: [{ property: "freshness", value: 1, unit: "d" }] },
      "contract.slaProperties[0].element",
    ],
    [
      "freshness in no unit",
      { schema: [{ name: "t" }], slaProperties: [{ property: "freshness", value: 1, unit: "moons", element: "t.a" }] },
      "contract.slaProperties[0].unit",
    ],
  ])("refuses %s at its path", async (_, contract, path) => {
    const failure = await failureOf(
      Promise.resolve().then(() => parseContract({ apiVersion: "v3.1.0", kind: "DataContract", ...contract })),
    );
    expect(failure).toMatchObject({ code: "invalid", faults: [{ path }] });
  });
});
