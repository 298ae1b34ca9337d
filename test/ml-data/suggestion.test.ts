import { MockActivityEnvironment } from "@temporalio/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSuggestContract, type SuggestionInput } from "../../activities/suggest-contract.ts";
import type { Digest } from "../../domain/ids.ts";
import type { ValidationReport } from "../../domain/stage-results.ts";
import { checkContract } from "../../ml/contracts/check-contract.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { quoteText } from "../../ml/duckdb.ts";
import { rootAt } from "../setup/root-at.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.remove());

interface Suggested {
  logicalType?: string;
  logicalTypeOptions?: object;
  quality?: { severity: string }[];
}

/** What is suggested of a file, by column, and what a check of the same file by it says. */
async function suggested(files: string): Promise<{ columns: Record<string, Suggested>; broken: ValidationReport["rules"] }> {
  const data = { rows: "t", sources: { t: { files } } };
  const dataRoot = rootAt(bench.dataRoot);
  const suggest = createSuggestContract({ store: bench.store, dataRoot });
  const { suggestion } = await new MockActivityEnvironment().run<[SuggestionInput], { suggestion: Digest }, typeof suggest>(
    suggest,
    { data, id: "t" },
  );
  const { contract } = JSON.parse(Buffer.from(await bench.store.get(suggestion)).toString("utf8")) as { contract: object };
  const parsed = parseContract(contract);
  const { manifest } = await freezeDataset({ dataRoot, store: bench.store, data, parameters: {} }, unwatched);
  const { rules } = await checkContract({ contract: parsed, manifest, store: bench.store, now: new Date() }, unwatched);
  const columns = Object.fromEntries(parsed.schema[0]?.properties.map((one) => [one.name, one as Suggested]) ?? []);
  return { columns, broken: rules.filter(({ outcome }) => outcome === "fail") };
}

const typesOf = (columns: Record<string, Suggested>) =>
  Object.fromEntries(Object.entries(columns).map(([name, { logicalType }]) => [name, logicalType]));
const rows = 60;

describe("a suggested contract", () => {
  test("narrows a type only where every cell comes back as it stands", async () => {
    const cells: Record<string, (n: number) => string> = {
      count: String,
      zip: (n) => `00${n}`,
      account: (n) => `123456789012345678${10 + n}`,
      order: (n) => `9007199254740${993 + n}`,
      grade: (n) => `${n}E5`,
      grouped: (n) => `1_${100 + n}`,
      flag: (n) => "FT"[n % 2] ?? "",
      member: (n) => (n % 2 === 0 ? "true" : "false"),
      price: (n) => `${n}.50`,
      version: (n) => (n % 2 === 0 ? "1.1" : "1.10"),
      share: (n) => String(n / 8),
      day: (n) => `2024-03-${10 + (n % 20)}`,
      at: (n) => `2024-03-${10 + (n % 20)}T09:30:00Z`,
      there: (n) => `2024-03-${10 + (n % 20)}T09:30:00-0${n % 9}:00`,
      both: (n) => (n % 2 === 0 ? "2024-03-10" : "2024-03-10T09:30:00"),
    };
    const names = Object.keys(cells);
    const lines = Array.from({ length: rows }, (_, n) => Object.values(cells).map((cell) => cell(n)));
    await bench.write("all.csv", `${names.join(",")}\n${lines.map((line) => line.join(",")).join("\n")}\n`);
    await bench.write(
      "all.jsonl",
      lines.map((line) => `${JSON.stringify(Object.fromEntries(names.map((name, at) => [name, line[at]])))}\n`).join(""),
    );
    for (const files of ["all.csv", "all.jsonl"]) {
      const { columns, broken } = await suggested(files);
      expect(typesOf(columns)).toEqual({
        ...Object.fromEntries(names.map((name) => [name, "string"])),
        count: "integer",
        member: "boolean",
        price: "number",
        share: "number",
        day: "date",
        at: "timestamp",
      });
      expect(columns["at"]?.logicalTypeOptions).toEqual({ timezone: true });
      expect(columns["count"]).toMatchObject({ logicalTypeOptions: {}, quality: [{ severity: "warning", type: "sql" }] });
      expect(broken).toEqual([]);
    }
  });

  test("promises no type of a Parquet column with NaN, infinities or times beyond the calendar", async () => {
    await bench.writeTable(
      "odd.parquet",
      "SELECT n, CASE WHEN n % 10 = 0 THEN 'nan'::DOUBLE ELSE n END AS x, CASE WHEN n = 3 THEN 'infinity'::TIMESTAMP ELSE TIMESTAMP '2024-01-01' END AS t, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS z, n::DECIMAL(9, 2) AS d FROM range(60) r(n)",
    );
    const { columns, broken } = await suggested("odd.parquet");
    expect(typesOf(columns)).toEqual({ n: "integer", x: undefined, t: undefined, z: "timestamp", d: "number" });
    expect(broken).toEqual([]);
  });

  const odd = [
    "007",
    "1E5",
    "1_000",
    "F",
    "T",
    "true",
    "09:30-05:00",
    "2024-03-31",
    "2024-03-31T09:30:00+02:00",
    "NaN",
    "inf",
    "-0",
    "1e400",
    "null",
    " 1 ",
    "epoch",
    "0x1F",
    "x".repeat(300),
  ];
  const cellText = fc.oneof(
    fc.constantFrom(...odd),
    fc.integer().map(String),
    fc.double().map(String),
    fc.maxSafeInteger().map((value) => `${value}${value}`.replaceAll("-", "")),
    fc.date({ noInvalidDate: true, min: new Date("0001-01-02"), max: new Date("9999-12-30") }).map((date) => date.toISOString()),
    fc.string({ maxLength: 6 }).map((text) => text.replaceAll(/[^ -~]|"/g, "_")),
  );
  /** A column is of one mind, or of several. */
  const column = fc.oneof(
    fc.array(cellText, { minLength: rows, maxLength: rows }),
    fc
      .subarray(odd, { minLength: 1, maxLength: 3 })
      .chain((some) => fc.array(fc.constantFrom(...some), { minLength: rows, maxLength: rows })),
    fc.array(fc.integer().map(String), { minLength: rows, maxLength: rows }),
    fc.array(fc.double({ noNaN: true }).map(String), { minLength: rows, maxLength: rows }),
    fc.array(
      fc.option(
        fc.integer({ min: 0, max: 999 }).map((value) => (value / 100).toFixed(2)),
        { nil: "" },
      ),
      { minLength: rows, maxLength: rows },
    ),
  );
  const parquetTypes = [
    "DOUBLE",
    "FLOAT",
    "BIGINT",
    "TIMESTAMP",
    "TIMESTAMP_NS",
    "TIMESTAMPTZ",
    "DATE",
    "TIME",
    "BOOLEAN",
    "DECIMAL(18, 3)",
    "HUGEINT",
    "UUID",
  ];

  test.each(["csv", "jsonl", "parquet"])(
    "is kept by the %s file that it comes from",
    async (format) => {
      await fc.assert(
        fc.asyncProperty(fc.array(column, { minLength: 12, maxLength: 12 }), async (columns) => {
          const names = columns.map((_, at) => (at === 0 ? "id" : `column ${at}`));
          const lines = Array.from({ length: rows }, (_, row) => columns.map((cells) => cells[row] ?? ""));
          if (format === "csv")
            await bench.write(
              "made.csv",
              [names, ...lines].map((line) => `${line.map((cell) => `"${cell}"`).join(",")}\n`).join(""),
            );
          else if (format === "jsonl") {
            const value = (text: string) => (text === "" ? null : /^-?[1-9]\d{0,9}$/.test(text) ? Number(text) : text);
            const objects = lines.map((line) => Object.fromEntries(names.map((name, at) => [name, value(line[at] ?? "")])));
            await bench.write("made.jsonl", objects.map((one) => `${JSON.stringify(one)}\n`).join(""));
          } else {
            const values = lines.map((line) => `(${line.map((cell) => quoteText(cell)).join(", ")})`).join(", ");
            const typed = parquetTypes.map((type, at) => `TRY_CAST("column ${at}" AS ${type}) AS "column ${at}"`);
            const typedNames = parquetTypes.map((_, at) => `"column ${at}"`).join(", ");
            await bench.writeTable("made.parquet", `SELECT ${typed.join(", ")} FROM (VALUES ${values}) AS v(${typedNames})`);
          }
          const { broken } = await suggested(`made.${format}`);
          expect(broken.map(({ column: name, rule, message }) => ({ name, rule, message }))).toEqual([]);
        }),
        { numRuns: 2, endOnFailure: true },
      );
    },
    120_000,
  );
});
