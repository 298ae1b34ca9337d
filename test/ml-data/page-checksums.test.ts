import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CountersignError } from "../../domain/errors.ts";
import { inspectFile } from "../../ml/datasets/inspect-file.ts";
import { readPageHeader } from "../../ml/datasets/page-header.ts";
import { type DuckDb, openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

const folder = join(import.meta.dirname, "parquet-files");
let bench: Workbench;
let db: DuckDb;
beforeAll(async () => {
  bench = await createWorkbench();
  db = await openDuckDb({ threads: 1 });
});
afterAll(async () => {
  db?.close();
  await bench.remove();
});

const at = (name: string) => join(bench.dataRoot, name);
const inspect = (path: string) => inspectFile(db, { source: "t", name: "t.parquet", path, format: "parquet", encoding: "utf-8" });

/** The bytes that a column has in a row group, page headers included. */
async function chunkOf(path: string, column: string, rowGroup: number): Promise<{ start: number; end: number }> {
  const [found] = await db.rows(
    `SELECT least(data_page_offset, coalesce(dictionary_page_offset, data_page_offset)) AS start, total_compressed_size AS size FROM parquet_metadata(${quoteText(path)}) WHERE path_in_schema = '${column}' AND row_group_id = ${rowGroup}`,
  );
  const start = Number(found?.["start"]);
  return { start, end: start + Number(found?.["size"]) };
}

test.each(["checksums-1.0.parquet", "checksums-2.0.parquet"])(
  "one flipped bit in a page of %s is found and named",
  async (name) => {
    const whole = join(folder, name);
    expect(await inspect(whole)).toMatchObject({ rows: 600 });
    for (const [column, rowGroup] of [
      ["n", 0],
      ["word", 1],
    ] as const) {
      const { end } = await chunkOf(whole, column, rowGroup);
      for (const back of [1, 9, 20]) {
        const bytes = await readFile(whole);
        bytes.writeUInt8(bytes.readUInt8(end - back) ^ 4, end - back);
        await bench.write("flipped.parquet", bytes);
        const error = await failureOf(inspect(at("flipped.parquet")));
        if (!(error instanceof CountersignError)) throw new Error("It failed otherwise.", { cause: error });
        expect(error.code).toBe("source-unreadable");
        expect(error.message).toBe(
          `t.parquet is damaged: a page of the column ${column} in row group ${rowGroup} (counted from 0) does not have the checksum that it was written with.`,
        );
        expect(error.cure).toContain("write it again");
      }
    }
  },
);

test("a file whose writer left the checksums out is read as ever", async () => {
  await bench.writeTable("plain.parquet", "SELECT n, 'a' || n AS word FROM range(5000) t(n)");
  expect(await inspect(at("plain.parquet"))).toMatchObject({ rows: 5000 });
});

test("whatever bytes stand where a header should, reading them ends", () => {
  // Field 1 a list of 2^32 - 1 structs; a text of 4 GB; lists in lists in lists.
  for (const hex of [
    "19fcffffffff0f",
    "18ffffffff0f",
    "19".padEnd(400, "19"),
    "1c".padEnd(400, "1c"),
    "15ffffffffffffffffffffffff",
  ])
    expect([null, "short"]).toContain(readPageHeader(Buffer.from(hex, "hex")));
});

test("times of INT96 are read right far beyond the years that nanoseconds since 1970 reach", async () => {
  const path = join(folder, "int96.parquet");
  expect(await inspect(path)).toMatchObject({ columns: [{ name: "at", type: "TIMESTAMP" }] });
  expect(await db.rows(`SELECT "at"::VARCHAR AS at FROM read_parquet(${quoteText(path)})`)).toEqual([
    { at: "2013-01-31 06:00:00" },
    { at: "2500-01-01 00:00:00" },
    { at: "1600-01-01 00:00:00" },
  ]);
});
