import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
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

const example = (data: ResolvedDefinition["data"], parameters: ReleaseParameters = {}) =>
  freezeDataset({ dataRoot: rootAt(checkout), store: bench.store, data, parameters }, unwatched);
const local = (files: string, more: object = {}) =>
  freezeDataset(
    {
      dataRoot: rootAt(bench.dataRoot),
      store: bench.store,
      data: { rows: "rows", sources: { rows: { files, ...more } } },
      parameters: {},
    },
    unwatched,
  );

describe("freezing a dataset", () => {
  test("keeps the bytes of three months of flights with the weather and the planes", async () => {
    const { data } = await readExample("flight-delays");
    const { manifest, summary } = await example(data);
    expect(summary).toBe("80,789 rows of flights from 3 files (2013-01 to 2013-03), with weather (26,115) and planes (3,322)");
    const [first] = manifest.sources["flights"]?.files ?? [];
    expect(first).toMatchObject({ name: "examples/flight-delays/data/flights-2013-01.parquet", rows: 27_004 });
    const original = await readFile(join(checkout, first?.name ?? ""));
    expect(original.equals(await bench.store.get(first?.digest ?? "sha256:"))).toBe(true);
    expect(manifest.sources["flights"]?.columns).toContainEqual({ name: "arr_delay", type: "SMALLINT" });
    expect((await example(data)).manifest).toEqual(manifest);
  });

  test("moves the window by the release's parameters, over the turn of a year too", async () => {
    const { data } = await readExample("flight-delays");
    expect((await example(data, { until: "2013-07", months: 1 })).summary).toContain(
      "29,425 rows of flights from 1 file (2013-07)",
    );
    const failure = await failureOf(example(data, { until: "2013-02", months: 3 }));
    expect(failure).toMatchObject({
      code: "source-missing",
      message: "examples/flight-delays/data/flights-2012-12.parquet is not there, below the data root.",
    });
  });

  test("names every file that is missing, of all sources at once", async () => {
    const failure = await failureOf(
      freezeDataset(
        {
          dataRoot: rootAt(bench.dataRoot),
          store: bench.store,
          data: {
            rows: "a",
            sources: { a: { files: "a-{month}.csv", window: { months: 2, until: "2024-01" } }, b: { files: "b/*.parquet" } },
          },
          parameters: {},
        },
        unwatched,
      ),
    );
    expect(failure.code).toBe("source-missing");
    expect(failure.faults).toEqual([
      { path: "data.sources.a.files", message: "a-2023-12.csv is not there, below the data root." },
      { path: "data.sources.a.files", message: "a-2024-01.csv is not there, below the data root." },
      { path: "data.sources.b.files", message: "No file matches b/*.parquet." },
    ]);
  });

  test("reads the files of a pattern by name, and no hidden ones", async () => {
    await bench.write("parts/2.csv", "a,b\n3,4\n");
    await bench.write("parts/1.csv", "a,b\n1,2\n");
    await bench.write("parts/.0.csv", "a,b\n9,9\n");
    const { manifest } = await local("parts/*.csv");
    expect(manifest.sources["rows"]?.files.map((file) => file.name)).toEqual(["parts/1.csv", "parts/2.csv"]);
    expect(manifest.sources["rows"]?.columns).toEqual([
      { name: "a", type: "VARCHAR" },
      { name: "b", type: "VARCHAR" },
    ]);
  });

  test("does not follow a link out of the data root", async () => {
    await symlink(join(checkout, "examples/credit-risk/data/german-credit.csv"), join(bench.dataRoot, "link.csv"));
    expect(await failureOf(local("link.csv"))).toMatchObject({
      code: "source-unreadable",
      message: "link.csv leads out of the data root.",
    });
  });

  test.each([
    ["empty.parquet", "", "empty.parquet is empty."],
    ["no.parquet", "no parquet at all", "no.parquet cannot be read"],
    ["empty.csv", "", "empty.csv is empty."],
    ["header.csv", "a,b\n", "header.csv holds no rows."],
    ["cut.csv", "a,b,c\n1,2,3\n4,5,6\n7,8", "cut.csv cannot be read: line 4: Expected Number of Columns: 3 Found: 2"],
    ["extra.csv", "a,b\n1,2\n3,4,5\n", "extra.csv cannot be read: line 3: Expected Number of Columns: 2 Found: 3"],
    ["quote.csv", 'a,b\n1,2\n3,"4\n', "quote.csv cannot be read: a quoted value in it is never closed."],
    ["twice.csv", "a,a\n1,2\n", "twice.csv has two columns a; rename one of them."],
    ["data.json", "[]", "data.json is neither Parquet nor CSV nor JSON Lines by its ending"],
  ])("refuses %s, naming the file and what is wrong", async (name, content, message) => {
    await bench.write(name, content);
    const failure = await failureOf(local(name));
    expect(failure.code).toBe("source-unreadable");
    expect(failure.message).toContain(message);
    expect(failure.message).not.toContain(bench.dataRoot);
  });

  test("finds a Parquet file that was cut off, and one whose middle is damaged although its end is whole", async () => {
    const whole = await readFile(join(checkout, "examples/flight-delays/data/flights-2013-01.parquet"));
    await bench.write("cut.parquet", whole.subarray(0, 200_000));
    expect(await failureOf(local("cut.parquet"))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("cut.parquet cannot be read"),
    });
    const damaged = Buffer.from(whole);
    damaged.fill(0, 60_000, 60_500);
    await bench.write("damaged.parquet", damaged);
    expect(await failureOf(local("damaged.parquet"))).toMatchObject({
      code: "source-unreadable",
      message: expect.stringContaining("damaged.parquet cannot be read"),
    });
  });

  test("names file and column where the files of one source differ", async () => {
    await bench.writeTable("s-1.parquet", "SELECT 1 AS a, 'x' AS b");
    await bench.writeTable("s-2.parquet", "SELECT 'one' AS a, 2 AS c");
    const failure = await failureOf(local("s-*.parquet"));
    expect(failure.code).toBe("source-schema");
    expect(failure.faults.map((fault) => fault.message)).toEqual([
      "s-2.parquet has a as VARCHAR, but s-1.parquet as INTEGER.",
      "s-2.parquet has no column b, which s-1.parquet has.",
      "s-2.parquet has a column c, which s-1.parquet lacks.",
    ]);
  });

  test("reads a semicolon-separated file whose cells hold quotes and line breaks", async () => {
    await bench.write("odd.csv", 'a;"b ""quoted"""\n1;"x;\ny"\n');
    const { manifest } = await local("odd.csv");
    expect(manifest.sources["rows"]).toMatchObject({ rows: 1, columns: [{ name: "a" }, { name: 'b "quoted"' }] });
  });
});
