import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DuckDb, openDuckDb } from "../../ml/duckdb.ts";
import { checkSelect } from "../../ml/sql-check.ts";
import { createWorkbench, failureOf, type Workbench } from "./workbench.ts";

let bench: Workbench;
let db: DuckDb;
beforeAll(async () => {
  bench = await createWorkbench();
  db = await openDuckDb();
  await db.run("CREATE TABLE request AS SELECT 1 AS row_id, 'x' AS carrier, TIMESTAMP '2013-01-01' AS time_hour");
  await db.run("CREATE TABLE weather AS SELECT 'x' AS origin, 1.5 AS temp");
});
afterAll(async () => {
  db.close();
  await bench.remove();
});

const check = (sql: string) => checkSelect(db.connection, sql, { path: "features.sql", tables: ["request", "weather"] });

describe("SQL of a definition", () => {
  test.each([
    ["range", "SELECT row_id, len(range(row_id)) FROM request"],
    ["range", "SELECT row_id, list_sum(range(0, 200000000)) FROM request"],
    ["generate_series", "SELECT row_id, len(generate_series(1, -1000000000, -1)) FROM request"],
    ["lpad", "SELECT row_id, lpad(carrier, 300000000, 'x') FROM request"],
    ["rpad", "SELECT row_id, rpad(carrier, row_id, 'x') FROM request"],
    ["list_resize", "SELECT row_id, list_resize([1], 1000000000) FROM request"],
    ["bitstring", "SELECT row_id, bitstring('1', row_id) FROM request"],
    ["format", "SELECT row_id, format('{:{}}', carrier, row_id) FROM request"],
    ["printf", "SELECT row_id, printf('%*d', row_id, row_id) FROM request"],
    ["printf", "SELECT row_id, printf('%2000000000d', row_id) FROM request"],
    ["printf", "SELECT row_id, printf(carrier, row_id) FROM request"],
  ])("may not have %s() answer as much as it likes: %s", async (name, sql) => {
    const refusal = await failureOf(check(sql.replace(", ", ",\n  ")));
    expect(refusal.message).toContain(`The function ${name}() needs`);
    expect(refusal.message).toContain("(line 2, column ");
    // What was approved before this rule goes on.
    const rules = { path: "features.sql", tables: ["request"], approved: true };
    await expect(checkSelect(db.connection, sql, rules)).resolves.toMatchObject({ reads: ["request"] });
  });

  test("may pad, count and format by small numbers of its own, and count rows after FROM", async () => {
    const columns = "lpad(carrier, 8, '0'), range(-3, 10), format('{:8.2f}', row_id), printf('%05d', row_id)";
    await expect(check(`SELECT row_id, ${columns} FROM request, range(1000000)`)).resolves.toMatchObject({ reads: ["request"] });
  });

  test.each([
    "SELECT row_id, lower(carrier), coalesce(temp, 0), extract(hour FROM time_hour) FROM request LEFT JOIN weather w ON w.origin = carrier",
    "WITH r AS (SELECT * FROM request) SELECT r.*, (SELECT max(temp) FROM weather) FROM r WHERE carrier IN ('x', 'y')",
    "SELECT * FROM request ASOF JOIN weather ON row_id >= temp",
    "SELECT row_id, list_sum([1, 2]), unnest(range(2)), sum(row_id) OVER (PARTITION BY carrier) FROM request",
    "SELECT row_id, CASE WHEN carrier LIKE 'U%' THEN 1 END, time_hour - INTERVAL 1 DAY, round(1.5), 7 // 2 FROM request",
    "FROM request",
    "SELECT row_id FROM request; -- the end",
  ])("may be %s", async (sql) => {
    await expect(check(sql)).resolves.toMatchObject({ reads: expect.arrayContaining(["request"]) });
  });

  test.each([
    ["reads a file", "SELECT * FROM read_csv('/etc/passwd')"],
    ["reads a file by its name", "SELECT * FROM '/etc/passwd'"],
    ["reads a file as text", "SELECT * FROM read_text('/etc/passwd')"],
    ["reads a file within an expression", "SELECT (SELECT content FROM read_blob('/etc/passwd')) FROM request"],
    ["lists files", "SELECT * FROM glob('/*')"],
    ["reads Parquet of its own", "SELECT * FROM read_parquet('x.parquet')"],
    ["reads the environment", "SELECT getenv('HOME') FROM request"],
    ["reads a setting", "SELECT current_setting('temp_directory') FROM request"],
    ["lists settings", "SELECT * FROM duckdb_settings()"],
    ["looks into the catalogue", "SELECT * FROM information_schema.tables"],
    ["turns on logging, which is a SELECT", "SELECT * FROM enable_logging()"],
    ["turns on profiling, which is a SELECT", "SELECT * FROM enable_profiling()"],
    ["runs SQL from text", "SELECT * FROM query('SELECT 42')"],
    ["goes around the name check", "SELECT * FROM query_table('sqlite_master')"],
    ["names a table by its schema", "SELECT * FROM main.request"],
    ["reads another source", "SELECT * FROM flights"],
    ["writes a file", "COPY request TO '/tmp/x.csv'"],
    ["attaches a database", "ATTACH '/tmp/x.db'"],
    ["installs an extension", "INSTALL httpfs"],
    ["loads an extension", "LOAD httpfs"],
    ["changes a setting", "SET threads = 8"],
    ["is a pragma, which parses as a SELECT", "PRAGMA database_list"],
    ["is a call", "CALL enable_logging()"],
    ["makes a table", "CREATE TABLE t AS SELECT 1"],
    ["drops a table", "DROP TABLE request"],
    ["exports", "EXPORT DATABASE '/tmp/x'"],
    ["is several statements", "SELECT 1; SELECT 2"],
    ["hides a second statement", "SELECT 1; DROP TABLE request"],
    ["is none", "  -- nothing"],
    ["pivots, which is two statements", "PIVOT request ON carrier USING count(*)"],
    ["describes", "SELECT * FROM (DESCRIBE request)"],
    ["runs for ever", "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a) SELECT * FROM a"],
    ["sleeps", "SELECT sleep_ms(10000) FROM request"],
    ["depends on the clock", "SELECT now() FROM request"],
    ["depends on the date", "SELECT current_date FROM request"],
    ["depends on the clock by one argument", "SELECT age(time_hour) FROM request"],
    ["depends on chance", "SELECT random() FROM request"],
    ["samples", "SELECT * FROM request USING SAMPLE 1"],
    ["samples a table", "SELECT * FROM request TABLESAMPLE 10%"],
    ["has a parameter", "SELECT ? FROM request"],
    ["leaves a comment open", "SELECT 1 FROM request /* and"],
    ["breaks out of parentheses", "SELECT 1) FROM request, (SELECT 2"],
    ["matches a pattern in exponential time", "SELECT carrier GLOB '*a*a*a*a*a*a*b' FROM request"],
    ["compares texts in the square of their length", "SELECT levenshtein(carrier, carrier) FROM request"],
    ["fills the memory with one value", "SELECT length(repeat(carrier, 2000000000)) FROM request"],
    ["reads secrets", "SELECT * FROM duckdb_secrets()"],
    ["says what it likes in an error", "SELECT error(carrier) FROM request"],
    ["writes into the log", "SELECT write_log(carrier) FROM request"],
  ])("is refused when it %s", async (_, sql) => {
    const failure = await failureOf(check(sql));
    expect(failure).toMatchObject({
      code: "feature-sql",
      faults: [expect.objectContaining({ path: "features.sql" }), ...failure.faults.slice(1)],
    });
    expect(failure.message).toMatch(/^features\.sql is refused: ./);
  });

  test("of an approved version goes on to be read, whatever is refused of new definitions", async () => {
    const sql = "SELECT row_id, levenshtein(carrier, 'x') FROM request";
    const rules = { path: "features.sql", tables: ["request"], approved: true };
    await expect(checkSelect(db.connection, sql, rules)).resolves.toMatchObject({ reads: ["request"] });
  });

  test.each([
    ["select count(*) from range(1000000000000) where range % 3 = 1"],
    ["select count(*) from range(10000000) a, range(10000000) b where a.range + b.range = 1"],
    ["select sum(x) from (select unnest(range(10000)) as x from range(10000000))"],
  ])("that never ends is ended: %s", async (sql) => {
    await expect(checkSelect(db.connection, sql, { path: "p", tables: [] })).resolves.toBeDefined();
    const controller = new AbortController();
    const bounded = await openDuckDb({ signal: controller.signal, memoryMb: 256, threads: 1 });
    setTimeout(() => controller.abort(new Error("its time is over")), 300);
    // Or it ran out of the memory that it may have.
    await expect(bounded.rows(sql)).rejects.toThrow(/its time is over|Out of Memory|could not allocate/i);
    bounded.close();
  });

  test("whose regular expression would take other engines for ever answers at once", async () => {
    const began = performance.now();
    await db.rows("select regexp_matches(repeat('a', 100000) || carrier, '(a+)+$') from request");
    await expect(db.rows("select regexp_matches('a' || carrier, '((a{1,100}){1,100}){1,100}') from request")).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("tells the line and column of a syntax error", async () => {
    expect((await failureOf(check("SELECT row_id,\n  FORM request x y"))).message).toMatch(
      /syntax error at or near "x" \(line 2, column 16\)/,
    );
  });

  test("tells all that is refused at once", async () => {
    const { faults } = await failureOf(check("SELECT random(), now() FROM flights"));
    expect(faults.map((fault) => fault.message).join(" ")).toMatch(/random\(\).*now\(\).*flights|flights.*random\(\).*now\(\)/);
  });
});

describe("a hardened DuckDB", () => {
  test("reads and writes the files that were named, and nothing else, even without the check", async () => {
    await bench.writeTable("allowed.parquet", "SELECT 1 AS a");
    await bench.writeTable("other.parquet", "SELECT 2 AS a");
    const path = (name: string) => `${bench.dataRoot}/${name}`;
    const hardened = await openDuckDb();
    await hardened.harden([path("allowed.parquet"), path("out.parquet")]);
    expect(await hardened.rows(`SELECT a FROM '${path("allowed.parquet")}'`)).toEqual([{ a: 1 }]);
    await hardened.run(`COPY (SELECT 3 AS a) TO '${path("out.parquet")}' (FORMAT parquet)`);
    for (const sql of [
      `SELECT * FROM '${path("other.parquet")}'`,
      "SELECT * FROM read_csv('/etc/hostname')",
      "SELECT * FROM glob('/*')",
      `COPY (SELECT 1) TO '${path("stolen.csv")}'`,
      `ATTACH '${path("x.db")}'`,
      "SELECT * FROM 'https://example.com/x.parquet'",
      "INSTALL httpfs",
      "LOAD httpfs",
      "SET memory_limit = '100GB'",
      "SET enable_external_access = true",
      "RESET lock_configuration",
    ])
      await expect(hardened.run(sql), sql).rejects.toThrow(/Permission|locked|Cannot|disabled|does not exist/i);
    hardened.close();
    expect((await readdir(bench.dataRoot)).toSorted()).toEqual(["allowed.parquet", "other.parquet", "out.parquet"]);
  });

  test("ends a query within half a second when it is cancelled, with the reason given", async () => {
    const controller = new AbortController();
    const busy = await openDuckDb({ signal: controller.signal });
    const began = performance.now();
    const query = busy.run("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3");
    setTimeout(() => controller.abort(new Error("the release was withdrawn")), 100);
    await expect(query).rejects.toThrow("the release was withdrawn");
    expect(performance.now() - began).toBeLessThan(600);
    await expect(busy.run("SELECT 1")).rejects.toThrow("the release was withdrawn");
    busy.close();
  });
});
