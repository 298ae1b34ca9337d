import { DuckDBTimestampValue } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ColumnType } from "../../domain/definition-schema.ts";
import { readingRule } from "../../domain/value-spellings.ts";
import { readText } from "../../ml/datasets/text-cells.ts";
import { type DuckDb, openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { createFeatureEngine } from "../../ml/features/compute-features.ts";
import { requestColumns } from "../../ml/features/request-values.ts";
import { featurize, type Made } from "./made-definition.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

let bench: Workbench;
let db: DuckDb;
beforeAll(async () => {
  bench = await createWorkbench();
  db = await openDuckDb({ threads: 1 });
});
afterAll(async () => {
  db.close();
  await bench.remove();
});

const two = (value: number) => String(value).padStart(2, "0");
const whole = (max: number) => fc.integer({ min: 0, max });
/** Times in every spelling that is read, and in some that are not: days and minutes that do not exist, text behind them. */
const timeText = fc
  .record({
    date: fc.tuple(fc.integer({ min: 0, max: 10_001 }), whole(13), whole(32)),
    clock: fc.option(
      fc.tuple(whole(24), whole(60), fc.option(whole(60)), fc.constantFrom("", ".5", ".123456", ".123456000", ".1234567")),
    ),
    joint: fc.constantFrom("T", " ", "t"),
    offset: fc.constantFrom("", "Z", "z", " Z", "+05:30", "-0500", "+14", " +01:00", "-15:59", "+16:00"),
    behind: fc.constantFrom("", "", "", "", "xyz", " (BC)"),
  })
  .map(({ date: [year, month, day], clock, joint, offset, behind }) => {
    const [hour, minute, second, fraction] = clock ?? [0, 0, null, ""];
    const seconds = second === null ? "" : `:${two(second)}${fraction}`;
    const time = clock === null ? "" : `${joint}${two(hour)}:${two(minute)}${seconds}${offset}`;
    return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}${time}${behind}`;
  });
const likelyTime = fc
  .tuple(
    fc.date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
    fc.constantFrom("", "Z", "+05:30", "-05:00", "-0500", "+14", " +01:00"),
    fc.constantFrom("T", " "),
  )
  .map(([moment, offset, joint]) => moment.toISOString().slice(0, 23).replace("T", joint) + offset);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e38, max: 1e38 }).map((value) => value + 0);

test("text is the same moment in a file and in a request, or none in both", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(timeText, likelyTime, fc.constantFrom("epoch", "infinity", "2024-03-31xyz")), {
        minLength: 300,
        maxLength: 300,
      }),
      async (texts) => {
        const values = texts.map((text, at) => `(${at}, ${quoteText(text)})`).join(", ");
        const rows = await db.rows(
          `SELECT epoch_us(${readText("c", "timestamp")}) AS us FROM (VALUES ${values}) AS t(n, c) ORDER BY n`,
        );
        const served = texts.map(momentServed);
        expect(rows.map((row, at) => [texts[at], row["us"]])).toEqual(texts.map((text, at) => [text, served[at]]));
      },
    ),
    { numRuns: 10 },
  );
});

/** Microseconds since 1970 as serving reads them; null where it refuses. */
function momentServed(text: string): string | null {
  try {
    const [column] = requestColumns([{ t: text }], { request: { t: "timestamp" }, reading: readingRule });
    const [value] = column ?? [];
    return value instanceof DuckDBTimestampValue ? String(value.micros) : null;
  } catch {
    return null;
  }
}

interface Row {
  k: number;
  t: string;
  n: number;
  i: number;
  b: boolean;
  s: string;
}
const rowsOf = (length: number) =>
  fc
    .array(
      fc.record({
        t: likelyTime,
        n: finite,
        i: fc.maxSafeInteger(),
        b: fc.boolean(),
        s: fc.oneof(
          fc.constantFrom("007", "1E5", "1_000", "F", "T", "09:30", "null", "it's"),
          fc.string({ minLength: 1, maxLength: 8 }),
        ),
      }),
      { minLength: length, maxLength: length },
    )
    .map((rows): Row[] => rows.map((row, k) => ({ k, ...row, s: row.s.replaceAll(/[^ -~]|"/g, "_") })));
const request = { k: "integer", t: "timestamp", n: "number", i: "integer", b: "boolean", s: "string" } as const;
const logicalTypes = { k: "integer", t: "timestamp", n: "number", i: "integer", b: "boolean", s: "string" };
const properties = Object.entries(logicalTypes).map(([name, logicalType]) => ({ name, logicalType }));
const made = (files: string, more: Partial<Made> = {}): Made => ({
  files,
  request,
  sql: "SELECT row_id, k, CAST(t AS VARCHAR) AS t, CAST(n AS VARCHAR) AS n, CAST(i AS VARCHAR) AS i, b, s, CAST(n AS FLOAT) AS f FROM request",
  label: { sql: "k % 2 = 0" },
  properties,
  ...more,
});

const cell = (value: string) => `"${value.replaceAll('"', '""')}"`;
const sources: Record<string, (rows: Row[]) => Promise<string>> = {
  csv: async (rows) => {
    const lines = rows.map(({ k, t, n, i, b, s }) =>
      [String(k), t, String(n), String(i), b ? "yes" : "False", s].map(cell).join(","),
    );
    await bench.write("all.csv", `k,t,n,i,b,s\n${lines.join("\n")}\n`);
    return "all.csv";
  },
  jsonl: async (rows) => {
    await bench.write("all.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return "all.jsonl";
  },
  parquet: async (rows) => {
    const values = rows.map(
      ({ k, t, n, i, b, s }) =>
        `(${k}, make_timestamp(${momentServed(t)}), ${quoteText(String(n))}::DOUBLE, ${i}::BIGINT, ${b}, ${quoteText(s)})`,
    );
    const zoned = "timezone('UTC', t) AS t";
    await bench.writeTable(
      "all.parquet",
      `SELECT k, ${zoned}, n, i, b, s FROM (VALUES ${values.join(", ")}) AS v(k, t, n, i, b, s)`,
    );
    return "all.parquet";
  },
};

describe("what training computed from is what a request with the same values brings", () => {
  test.each(Object.keys(sources))(
    "from %s",
    async (source) => {
      await fc.assert(
        fc.asyncProperty(rowsOf(240), fc.boolean(), async (rows, typed) => {
          const files = (await sources[source]?.(rows)) ?? "";
          const { ask, spec } = await featurize(
            bench,
            made(files, typed ? {} : { properties: [{ name: "k", logicalType: "integer" }] }),
          );
          const trained = await ask("SELECT * EXCLUDE (row_id, label) FROM (FROM train UNION ALL FROM held) ORDER BY row_id");
          const engine = await createFeatureEngine({ store: bench.store, spec });
          const { columns } = await engine.compute(rows.map((row) => ({ ...row })));
          await engine.close();
          for (const { name, values } of columns)
            // String makes 0 of -0, which Parquet does too.
            expect([...values].map(String), name).toEqual(trained.map((row) => String(row[name])));
        }),
        { numRuns: 2, endOnFailure: true },
      );
    },
    120_000,
  );
});

describe("what a request could not bring", () => {
  const numbered = async (name: string, value: (n: number) => string) => {
    await bench.write(name, `k,v\n${Array.from({ length: 240 }, (_, n) => `${n},${value(n)}`).join("\n")}\n`);
    return name;
  };
  const asked = (files: string, type: ColumnType, logicalType?: string): Made => ({
    files,
    request: { v: type },
    sql: "SELECT row_id, v FROM request",
    label: { sql: "CAST(k AS INTEGER) % 2 = 0" },
    properties: logicalType === undefined ? [] : [{ name: "v", logicalType }],
  });

  test.each([
    ["an integer as text", "string", "integer", "source-schema", "v is integer (BIGINT) in the data, and string in the request"],
    ["a fraction as an integer", "integer", "number", "contract-broken", "240 of 240 rows are no whole numbers"],
    ["a fraction as an integer without a contract", "integer", undefined, "contract-broken", "the first is row 1 of v.csv"],
  ] as const)("blocks: %s", async (_, type, logicalType, code, message) => {
    const files = await numbered("v.csv", (n) => (logicalType === "integer" ? String(n) : `${n}.3`));
    const failure = await failureOf(featurize(bench, asked(files, type, logicalType)));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test("blocks where JSON would round it: a whole number beyond 2^53, by file and row", async () => {
    const files = await numbered("long.csv", (n) => (n === 7 ? "9007199254740993" : String(n)));
    for (const type of ["integer", "number"] as const)
      expect(await failureOf(featurize(bench, asked(files, type, "integer")))).toMatchObject({
        code: "contract-broken",
        message: expect.stringMatching(/1 of 240 rows are no .*first is row 8 of long\.csv/),
      });
  });

  test("blocks where a model's 32 bits cannot hold it, and is refused in a request by row; an older version goes on as it was", async () => {
    const files = await numbered("large.csv", (n) => (n === 7 ? "1e39" : String(n)));
    expect(await failureOf(featurize(bench, asked(files, "number", "number")))).toMatchObject({
      code: "feature-sql",
      message: expect.stringContaining("v is beyond ±3.40e+38"),
    });
    const { spec } = await featurize(bench, asked(await numbered("small.csv", String), "number", "number"));
    const engine = await createFeatureEngine({ store: bench.store, spec });
    const failure = await failureOf(engine.compute([{ v: 1 }, { v: -1e39 }]));
    expect(failure).toMatchObject({
      code: "invalid",
      faults: [{ path: "instances[1]", message: expect.stringContaining("v, which is beyond") }],
    });
    await engine.close();
    const { reading: _, ...older } = spec;
    const before = await createFeatureEngine({ store: bench.store, spec: older });
    expect([...((await before.compute([{ v: -1e39 }])).columns[0]?.values ?? [])]).toEqual([Number.NaN]);
    await before.close();
    await expect(createFeatureEngine({ store: bench.store, spec: { ...spec, reading: 3 } })).rejects.toMatchObject({
      message: "Its requests are read by rule 3, and this program knows the rules 1 to 2.",
    });
  });
});
