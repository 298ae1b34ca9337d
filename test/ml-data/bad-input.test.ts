import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SourceDefinition } from "../../domain/definition-schema.ts";
import type { DatasetManifest, ValidationReport } from "../../domain/stage-results.ts";
import { checkContract } from "../../ml/contracts/check-contract.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { profileDataset } from "../../ml/datasets/profile-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { featurize } from "./made-definition.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.remove());

const freeze = (source: SourceDefinition) =>
  freezeDataset(
    { dataRoot: rootAt(bench.dataRoot), store: bench.store, data: { rows: "t", sources: { t: source } }, parameters: {} },
    unwatched,
  );
const contractOf = (properties: object[]) =>
  parseContract({ apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "t", properties }] });

async function check(source: SourceDefinition, properties: object[] = []) {
  return checkFrozen((await freeze(source)).manifest, properties);
}
function checkFrozen(manifest: DatasetManifest, properties: object[]) {
  return checkContract({ contract: contractOf(properties), manifest, store: bench.store, now: new Date() }, unwatched);
}
const broken = async (source: SourceDefinition, properties: object[]) => brokenIn(await check(source, properties));
const brokenIn = ({ rules }: ValidationReport) =>
  rules
    .filter(({ outcome }) => outcome === "fail")
    .map(({ message, sample }) => `${message}: ${sample.map(({ value }) => value).join(", ")}`);

describe("bad input", () => {
  test("of mixed types in a column is told by row, in CSV, in JSON Lines and without a type in the contract", async () => {
    await bench.write("mixed.jsonl", '{"a": 1}\n{"a": "two"}\n{"a": true}\n{"a": {"b": 1}}\n{"a": 2}\n{}\n{"a": 3}\n');
    expect(await broken({ files: "mixed.jsonl" }, [{ name: "a", logicalType: "integer" }])).toEqual([
      '3 of 7 rows are no integer: two, true, {"b":1}',
    ]);
    await bench.write("mixed.csv", "a,b\n1,x\n2,x\nzwei,x\n4,x\n");
    expect((await check({ files: "mixed.csv" })).findings).toEqual([
      expect.objectContaining({ kind: "mixed-types", column: "a", rows: 1 }),
    ]);
  });

  test("of another encoding is refused with its cure, and read when it is named", async () => {
    const text = "city,n\nMünchen,1\n";
    await bench.write("latin.csv", Buffer.from(text, "latin1"));
    const failure = await failureOf(freeze({ files: "latin.csv" }));
    expect(failure).toMatchObject({
      code: "source-unreadable",
      message: expect.stringMatching(/line 2: .*no UTF-8.*encoding: latin-1/),
    });
    await bench.write("wide.csv", Buffer.from(`\uFEFF${text}`, "utf16le"));
    expect(await failureOf(freeze({ files: "wide.csv" }))).toMatchObject({
      message: expect.stringContaining("is UTF-16 by its first bytes"),
    });
    const latin = await freeze({ files: "latin.csv", encoding: "latin-1" });
    const wide = await freeze({ files: "wide.csv", encoding: "utf-16" });
    for (const { manifest } of [latin, wide]) {
      expect(manifest.sources["t"]?.columns.map(({ name }) => name)).toEqual(["city", "n"]);
      const { profile } = await profileDataset(
        { store: bench.store, manifest, contract: contractOf([]), champion: null },
        unwatched,
      );
      expect(profile.sources["t"]?.columns[0]?.top).toEqual([{ value: "München", count: 1 }]);
    }
    await bench.write("packed.csv", Buffer.from("1f8b0800", "hex"));
    expect(await failureOf(freeze({ files: "packed.csv" }))).toMatchObject({
      message: expect.stringContaining("packed with gzip"),
    });
  });

  test("of ragged lines, of no lines and of half a line of JSON is refused by line", async () => {
    await bench.write("ragged.csv", "a,b\n1,2\n3\n");
    expect(await failureOf(freeze({ files: "ragged.csv" }))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("line 3"),
    });
    for (const [name, text] of [
      ["half.jsonl", '{"a":1}\n{"a":'],
      ["list.jsonl", "[1]\n"],
      ["words.jsonl", "hello\n"],
      ["empty.jsonl", ""],
      ["bare.jsonl", "{}\n"],
    ] as const) {
      await bench.write(name, text);
      expect(await failureOf(freeze({ files: name })), name).toMatchObject({
        code: "source-unreadable",
        message: expect.stringContaining(name),
      });
    }
  });

  test("of NaN, infinities and dates that are none never becomes a number", async () => {
    await bench.write("odd.csv", "x,day\n1.5,2024-02-29\nNaN,2023-02-29\ninf,2024-13-01\n-Infinity,yesterday\n");
    expect(
      await broken({ files: "odd.csv" }, [
        { name: "x", logicalType: "number" },
        { name: "day", logicalType: "date" },
      ]),
    ).toEqual(["3 of 4 rows are no number: NaN, inf, -Infinity", "3 of 4 rows are no date: 2023-02-29, 2024-13-01, yesterday"]);
    await bench.writeTable(
      "nan.parquet",
      "SELECT n::INTEGER AS n, CASE WHEN n % 10 = 0 THEN 'nan'::DOUBLE WHEN n % 10 = 1 THEN 'infinity'::DOUBLE ELSE n END AS x, n % 2 = 0 AS yes FROM range(300) t(n)",
    );
    expect((await check({ files: "nan.parquet" })).findings).toEqual([
      expect.objectContaining({ kind: "not-finite", column: "x", rows: 60 }),
    ]);
    const { ask } = await featurize(bench, {
      files: "nan.parquet",
      request: { x: "number" },
      sql: "SELECT row_id, x FROM request",
      label: { sql: "yes" },
    });
    expect(
      await ask(
        "SELECT count(*) FILTER (WHERE NOT isfinite(x)) AS odd, count(*) FILTER (WHERE x IS NULL) AS missing FROM (FROM train UNION ALL FROM held)",
      ),
    ).toEqual([{ odd: "0", missing: "60" }]);
  });

  test("of a date with a time of day, a time with text behind it, an offset that is missing or forbidden is told by row", async () => {
    await bench.write(
      "times.csv",
      "day,at\n2024-03-31,2024-03-31T09:30:00-05:00\n2024-03-31 17:45,2024-03-31T09:30:00\n2024-03-31xyz,epoch\ninfinity,0044-03-15 (BC)\n",
    );
    const at = (logicalTypeOptions: object) => ({ name: "at", logicalType: "timestamp", logicalTypeOptions });
    expect(await broken({ files: "times.csv" }, [{ name: "day", logicalType: "date" }, at({})])).toEqual([
      "3 of 4 rows are no date: 2024-03-31 17:45, 2024-03-31xyz, infinity",
      "2 of 4 rows are no timestamp: epoch, 0044-03-15 (BC)",
    ]);
    expect(await broken({ files: "times.csv" }, [at({ timezone: true })])).toEqual([
      "3 of 4 rows are no timestamp: 2024-03-31T09:30:00, epoch, 0044-03-15 (BC)",
    ]);
    // 09:30 five hours behind UTC is 14:30, for bounds too.
    expect(await broken({ files: "times.csv" }, [at({ maximum: "2024-03-31T09:00:00-05:00" })])).toEqual([
      expect.stringContaining("are no timestamp"),
      "1 of 4 rows are above 2024-03-31T09:00:00-05:00: 2024-03-31T09:30:00-05:00",
    ]);
    await bench.writeTable(
      "far.parquet",
      "SELECT CASE WHEN n = 1 THEN TIMESTAMP '29357-12-05 15:41:44' ELSE TIMESTAMP '3000-01-01' END AS at FROM range(3) t(n)",
    );
    expect(await broken({ files: "far.parquet" }, [at({})])).toEqual([
      expect.stringContaining("1 of 3 rows are no timestamp: 29357-12-05"),
    ]);
    expect(await broken({ files: "far.parquet" }, [at({ timezone: true })])).toEqual([
      expect.stringContaining("is TIMESTAMP in the files, without a time zone"),
    ]);
  });

  test("of twelve rows, or of a label with one class, blocks before anything is trained", async () => {
    const made = { request: { n: "integer" as const }, sql: "SELECT row_id, n FROM request" };
    await bench.writeTable("twelve.parquet", "SELECT n::INTEGER AS n FROM range(12) t(n)");
    expect(await failureOf(featurize(bench, { ...made, files: "twelve.parquet", label: { sql: "n > 5" } }))).toMatchObject({
      code: "too-few-rows",
      message:
        "Only 12 rows have a label, and 100 are the least: take a longer window or more files in data.sources, or see whether label.sql leaves rows without one.",
    });
    await bench.writeTable("many.parquet", "SELECT n::INTEGER AS n FROM range(400) t(n)");
    expect(await failureOf(featurize(bench, { ...made, files: "many.parquet", label: { sql: "n >= 0" } }))).toMatchObject({
      code: "too-few-rows",
      message: expect.stringContaining("have the same label (positive): see label.sql"),
    });
  });

  test("of ten thousand columns is read, checked and described in part, and says so", async () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `column_number_${at}`);
    await bench.write(
      "wide.csv",
      `${names.join(",")}\n${names.map((_, at) => at).join(",")}\n${names.map((_, at) => (at === 9_999 ? "x" : at)).join(",")}\n`,
    );
    const { manifest } = await freeze({ files: "wide.csv" });
    expect(manifest.sources["t"]?.columns).toHaveLength(10_000);
    expect(brokenIn(await checkFrozen(manifest, [{ name: "column_number_9999", logicalType: "integer" }]))).toEqual([
      "1 of 2 rows are no integer: x",
    ]);
    // A profile of so many takes a processor a quarter of a minute; four hundred show that the rest is counted.
    const some = names.slice(0, 400);
    await bench.write("broad.csv", `${some.join(",")}\n${some.map((_, at) => at).join(",")}\n`);
    const broad = await freeze({ files: "broad.csv" });
    const { profile } = await profileDataset(
      { store: bench.store, manifest: broad.manifest, contract: contractOf([]), champion: null },
      unwatched,
    );
    expect(profile.sources["t"]).toMatchObject({ omitted: 100 });
    await bench.write("wider.csv", `${Array.from({ length: 20_001 }, (_, at) => `c${at}`).join(",")}\n${"1,".repeat(20_000)}1\n`);
    expect(await failureOf(freeze({ files: "wider.csv" }))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("20001 columns, and 20000 are the most"),
    });
  }, 120_000);

  test("of names with quotes, spaces and emoji is read like any other", async () => {
    const names = ['say "hi"', "it's; DROP TABLE t --", "größe 📏", "SELECT"];
    await bench.write("names.csv", `${names.map((name) => `"${name.replaceAll('"', '""')}"`).join(",")}\n1,2,3,4\n1,2,x,4\n`);
    await bench.write(
      "names.jsonl",
      `${JSON.stringify(Object.fromEntries(names.map((name, at) => [name, at === 2 ? "x" : at])))}\n`,
    );
    const properties = names.map((name) => ({ name, logicalType: "integer", required: true, unique: true }));
    expect(await broken({ files: "names.csv" }, properties)).toEqual([
      "1 of 2 rows repeat a value: 1",
      "1 of 2 rows repeat a value: 2",
      "1 of 2 rows are no integer: x",
      "1 of 2 rows repeat a value: 4",
    ]);
    expect(await broken({ files: "names.jsonl" }, properties)).toEqual(["1 of 1 rows are no integer: x"]);
    const { manifest } = await freeze({ files: "names.csv" });
    const { profile } = await profileDataset(
      { store: bench.store, manifest, contract: contractOf(properties), champion: null },
      unwatched,
    );
    expect(profile.sources["t"]?.columns.map(({ name }) => name)).toEqual(names);
  });

  test("of two names that SQL does not tell apart, or that are our own, is refused", async () => {
    await bench.write("twins.csv", "Age,age\n1,2\n");
    await bench.write("own.csv", "row_id,a\n1,2\n");
    await bench.write("twins.jsonl", '{"Age":1}\n{"age":2}\n');
    await bench.writeTable("one.parquet", "SELECT 1 AS Agx, 2 AS age, {'Age': 3} AS inner_one");
    const bytes = (await readFile(`${bench.dataRoot}/one.parquet`)).toString("latin1");
    await bench.write("twins.parquet", Buffer.from(bytes.replaceAll("Agx", "Age"), "latin1"));
    for (const files of ["twins.csv", "twins.jsonl", "twins.parquet"])
      expect(await failureOf(freeze({ files })), files).toMatchObject({
        code: "source-unreadable",
        message: `${files} has Age and age, which differ in upper and lower case only and are one name to SQL; rename one of them.`,
      });
    await bench.write("same.csv", "age,age\n1,2\n");
    expect(await failureOf(freeze({ files: "same.csv" }))).toMatchObject({
      message: "same.csv has two columns age; rename one of them.",
    });
    expect(await failureOf(freeze({ files: "own.csv" }))).toMatchObject({
      code: "source-schema",
      message: expect.stringContaining("row_id"),
    });
  });

  test("of a Parquet file that ends in the middle is refused at once", async () => {
    await bench.writeTable("whole.parquet", "SELECT n, 'text ' || n AS s FROM range(20000) t(n)");
    const bytes = await readFile(`${bench.dataRoot}/whole.parquet`);
    for (const share of [0.1, 0.5, 0.99]) {
      await bench.write("cut.parquet", bytes.subarray(0, Math.floor(bytes.length * share)));
      expect(await failureOf(freeze({ files: "cut.parquet" }))).toMatchObject({
        code: "source-unreadable",
        message: expect.stringContaining("cut.parquet cannot be read"),
      });
    }
  });

  test("of a window in which there is nothing, or by a column that is no time, blocks", async () => {
    await bench.write("log.csv", "at,n\n2024-01-05,1\n2024-02-07T10:00:00,2\nnever,3\n2024-03-01,4\n");
    const windowed = { files: "log.csv", time: "at", window: { months: 2, until: "2024-02" } };
    const { manifest } = await freeze(windowed);
    expect(manifest.sources["t"]).toMatchObject({ rows: 2, window: { column: "at", from: "2024-01-01", until: "2024-03-01" } });
    const report = await check(windowed, [
      { name: "n", quality: [{ metric: "invalidValues", arguments: { validValues: ["1"] }, mustBe: 0 }] },
    ]);
    expect(report.rules.find(({ outcome }) => outcome === "fail")).toMatchObject({
      failing: 1,
      sample: [{ row: 2, file: "log.csv", value: "2" }],
    });
    expect(await failureOf(freeze({ ...windowed, window: { months: 1, until: "2020-01" } }))).toMatchObject({
      code: "too-few-rows",
    });
    expect(await failureOf(freeze({ ...windowed, time: "when" }))).toMatchObject({ code: "source-schema" });
  });
});
