import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CountersignError } from "../../domain/errors.ts";
import { problemOf } from "../../domain/http/problem.ts";
import { inspectFile } from "../../ml/datasets/inspect-file.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

/** Each file that cannot be read has its own true cause and cure: a whole file is never called broken. */
let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.remove());

const at = (name: string) => join(bench.dataRoot, name);

async function refusalOf(name: string, memoryMb?: number): Promise<CountersignError> {
  const db = await openDuckDb({ threads: 1, ...(memoryMb === undefined ? {} : { memoryMb }) });
  try {
    const format = name.endsWith(".csv") ? "csv" : "parquet";
    const error = await failureOf(inspectFile(db, { source: "t", name, path: at(name), format, encoding: "utf-8" }));
    if (!(error instanceof CountersignError)) throw new Error("It failed otherwise.", { cause: error });
    expect(error.code).toBe("source-unreadable");
    return error;
  } finally {
    db.close();
  }
}

const wholeOne = "Replace the file by a whole one";

test("a codec that is not read here is named with those that are", async () => {
  await bench.writeTable("lzo.parquet", "SELECT n::INTEGER AS n FROM range(1000) t(n)");
  const bytes = await readFile(at("lzo.parquet"));
  // The column's path (a list of one text, "n"), then its codec as a zigzag integer: 2 is Snappy, 6 LZO.
  const codec = bytes.indexOf(Buffer.from("1918016e1502", "hex")) + 5;
  expect(codec).toBeGreaterThan(5);
  bytes[codec] = 6;
  await bench.write("lzo.parquet", bytes);
  const error = await refusalOf("lzo.parquet");
  expect(error.message).toMatch(/Unsupported compression codec "LZO".*snappy or zstd/);
  expect(error.cure).toContain("one of the codecs named");
});

test("an encrypted file is called encrypted", async () => {
  const db = await openDuckDb();
  await db.run("SET force_mbedtls_unsafe = true");
  await db.run("PRAGMA add_parquet_key('k', '0123456789112345')");
  await db.run(`COPY (SELECT 1 AS n) TO ${quoteText(at("secret.parquet"))} (ENCRYPTION_CONFIG {footer_key: 'k'})`);
  db.close();
  const error = await refusalOf("secret.parquet");
  expect(error.message).toBe("secret.parquet cannot be read: it is encrypted");
  expect(error.cure).toContain("without Parquet's own encryption");
});

test("a file that takes too much memory is not called broken", async () => {
  await bench.writeTable("big.parquet", "SELECT repeat(md5(n::VARCHAR), 300) AS text FROM range(4000) t(n)");
  const error = await refusalOf("big.parquet", 30);
  expect(error.message).toContain("takes more memory");
  expect(error.cure).toContain("smaller row groups");
  expect(error.cure).not.toContain("whole one");
});

test("files without bytes, without rows, of another format and of broken lines each have their own cure", async () => {
  await bench.write("none.csv", "");
  await bench.write("head.csv", "a,b\n");
  await bench.write("text.parquet", "hello world, this is no Parquet\n");
  await bench.write("ragged.csv", "a,b\n1,2\n3\n");
  for (const [name, cure] of [
    ["none.csv", "Deliver the file with its rows"],
    ["head.csv", "Deliver the file with its rows"],
    ["text.parquet", "Say its format in data.sources, or replace"],
    ["ragged.csv", "Correct the file at the place"],
  ] as const)
    expect((await refusalOf(name)).cure, name).toContain(cure);
});

test("a damaged file is the one to replace, and the problem document carries the cure", async () => {
  await bench.writeTable("torn.parquet", "SELECT n, 'text ' || n AS s FROM range(20000) t(n)");
  const bytes = await readFile(at("torn.parquet"));
  bytes.fill(0x5a, 200, 4000);
  await bench.write("torn.parquet", bytes);
  const error = await refusalOf("torn.parquet");
  expect(error.cure).toContain(wholeOne);
  expect(problemOf(error).body.cure).toContain(wholeOne);
});
