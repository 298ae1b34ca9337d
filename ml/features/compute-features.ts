import { BIGINT, DuckDBDataChunk, type DuckDBValue } from "@duckdb/node-api";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import { type ArtifactAccess, verifiedPath } from "../artifact-access.ts";
import { type DuckDb, openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import { readingRule } from "../../domain/value-spellings.ts";
import { logicalTypeOf } from "../datasets/column-types.ts";
import { withScratch } from "../scratch.ts";
import { checkSelect } from "../sql-check.ts";
import {
  copyColumn,
  emptyColumns,
  type FeatureColumn,
  type FeatureTable,
  readFeatureTable,
  wrongRows,
} from "./feature-columns.ts";
import { beyondInWords, type CheckedSql, failed, featureQuery, numberBeyond } from "./feature-query.ts";
import { openAsOfViews, openLookup } from "./lookup-tables.ts";
import { requestColumn } from "./request-column.ts";
import { createRequestTable, requestColumns, requestTypes } from "./request-values.ts";

/**
 * Features for serving and evaluation, by the same SQL as in training.
 *
 * `compute` answers in the order given. Lookups are in memory; calls that arrive while a query runs
 * are answered together by the next one, because a query costs about the same for one row as
 * for a hundred (1 to 2 ms on the flights example).
 */
export interface FeatureEngine {
  readonly spec: FeatureSpec;
  /** Throws `invalid` for wrong values (paths `instances[3].carrier`), `feature-sql` when the SQL fails on them. */
  compute(rows: Record<string, unknown>[]): Promise<{ rows: number; columns: FeatureColumn[] }>;
  /** All rows of a Parquet artifact with the request columns and `row_id` (and `label`, if it is there), by row_id. */
  computeFromParquet(digest: Digest, signal?: AbortSignal): Promise<FeatureTable>;
  /** Answers what waits, then frees the memory. */
  close(): Promise<void>;
}

interface FeatureEngineInput {
  store: ArtifactAccess;
  spec: FeatureSpec;
  limitMs?: number;
}

/** DuckDB's vectors hold 2,048 rows, so a chunk can carry no more. */
const chunkRows = 2048;
/** Calls are put together up to this many rows; a larger call runs by itself. */
const batchRows = 2048;

interface Call {
  values: DuckDBValue[][];
  rows: number;
  resolve(columns: FeatureColumn[]): void;
  reject(error: unknown): void;
}

/** `limitMs`: how long one query may take; what takes longer is interrupted and `unavailable`, and the next one runs. */
export async function createFeatureEngine(input: FeatureEngineInput): Promise<FeatureEngine> {
  const { spec, store } = input;
  refuseUnknownRule(spec);
  const db = await openDuckDb({ memoryMb: 512, threads: 1 });
  const prepared = await prepare(db, input).catch((error: unknown) => {
    db.close();
    throw error;
  });
  const waiting: Call[] = [];
  let running: Promise<void> | null = null;
  let closed = false;

  async function drain(): Promise<void> {
    // Calls of the same turn of the event loop join the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    for (let batch = takeBatch(waiting); batch.length > 0; batch = takeBatch(waiting)) {
      try {
        await answer(batch);
      } catch (error) {
        const [only] = batch;
        if (batch.length === 1) only?.reject(error);
        // Asked again one by one, slow calls would keep those that come after them waiting for many times the limit.
        else if (isTooSlow(error)) for (const call of batch) call.reject(error);
        // One caller's row may have failed the query of all: each is asked again alone.
        else for (const call of batch) await answer([call]).catch((reason: unknown) => call.reject(reason));
      }
    }
    running = null;
  }

  async function answer(batch: Call[]): Promise<void> {
    const values = Object.keys(spec.request).map((_, at) => batch.flatMap((call) => call.values[at] ?? []));
    const rows = batch.reduce((total, call) => total + call.rows, 0);
    const columns = await prepared.run(values, rows);
    let first = 0;
    for (const call of batch) {
      const [from, to] = [first, first + call.rows];
      call.resolve(columns.map((column) => sliceOf(column, from, to)));
      first = to;
    }
  }

  return {
    spec,
    compute: async (rows) => {
      if (closed) throw new CountersignError("unavailable", "This version's features are no longer in memory.");
      const values = requestColumns(rows, spec);
      if (rows.length === 0) return { rows: 0, columns: emptyColumns(spec.features, 0) };
      const columns = await new Promise<FeatureColumn[]>((resolve, reject) => {
        waiting.push({ values, rows: rows.length, resolve, reject });
        running ??= drain();
      });
      return { rows: rows.length, columns };
    },
    computeFromParquet: (digest, signal) => computeWhole({ store, spec, checked: prepared.checked, digest }, signal),
    close: async () => {
      closed = true;
      await running;
      db.close();
    },
  };
}

/** A version of a newer program may read its requests in a way that this one does not know. */
function refuseUnknownRule({ reading }: FeatureSpec): void {
  if (reading === undefined || reading === readingRule) return;
  const known = `1 to ${readingRule}`;
  throw new CountersignError("invalid", `Its requests are read by rule ${reading}, and this program knows the rules ${known}.`);
}

function takeBatch(waiting: Call[]): Call[] {
  let rows = 0;
  let calls = 0;
  for (const call of waiting) {
    if (calls > 0 && rows + call.rows > batchRows) break;
    rows += call.rows;
    calls += 1;
  }
  return waiting.splice(0, calls);
}

function sliceOf(column: FeatureColumn, from: number, to: number): FeatureColumn {
  return column.type === "float"
    ? { ...column, values: column.values.slice(from, to) }
    : { ...column, values: column.values.slice(from, to) };
}

interface Prepared {
  checked: CheckedSql;
  run(values: DuckDBValue[][], rows: number): Promise<FeatureColumn[]>;
}

async function prepare(db: DuckDb, { store, spec, limitMs }: FeatureEngineInput): Promise<Prepared> {
  for (const [name, lookup] of Object.entries(spec.lookups)) {
    await openLookup(db, { name, lookup, path: await verifiedPath(store, lookup.table) }, "table");
  }
  const request = Object.entries(spec.request);
  await createRequestTable(db, spec.request);
  await openAsOfViews(db, spec.lookups);
  await db.harden([]);
  const { sql } = await checkSelect(db.connection, spec.sql, {
    path: "features.sql",
    tables: ["request", ...Object.keys(spec.lookups)],
    approved: true,
  });
  const checked = { sql, features: spec.features, reading: spec.reading };
  const query = featureQuery(checked);
  try {
    (await db.connection.prepare(query)).destroySync();
  } catch (error) {
    throw failed(error);
  }
  const types = [BIGINT, ...request.map(([, type]) => requestTypes[type].type)];

  async function fill(values: DuckDBValue[][], rows: number): Promise<void> {
    const appender = await db.connection.createAppender("request");
    for (let from = 0; from < rows; from += chunkRows) {
      const to = Math.min(from + chunkRows, rows);
      const chunk = DuckDBDataChunk.create(types, to - from);
      chunk.setColumns([
        Array.from({ length: to - from }, (_, index) => BigInt(from + index)),
        ...values.map((column) => column.slice(from, to)),
      ]);
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
  }

  return {
    checked,
    run: async (values, rows) => {
      try {
        await fill(values, rows);
        const columns = emptyColumns(spec.features, rows);
        const seen = new Uint8Array(rows);
        // Planned anew for each batch. A prepared statement would keep the plan that it got when
        // `request` was empty, in which DuckDB 1.5.6 had folded coalesce(carrier, '') to '' from the
        // statistics of an empty column: measured, wrong values without an error.
        const limit = limitMs === undefined ? undefined : AbortSignal.timeout(limitMs);
        const result = await db.run(query, limit).catch((error: unknown) => {
          throw limit?.aborted === true ? tooSlow() : ofRequest(error);
        });
        for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
          const places = chunk.getColumnValues(0).map(Number);
          for (const place of places) seen[place] = (seen[place] ?? 0) + 1;
          for (const [at, column] of columns.entries()) copyColumn({ chunk, at: at + 1 }, column, (index) => places[index] ?? 0);
        }
        const wrong = seen.findIndex((times) => times !== 1);
        if (wrong !== -1) throw wrongRows(seen[wrong] ?? 0, 1, 0);
        return columns;
      } finally {
        await db.run("TRUNCATE request");
      }
    },
  };
}

export function isTooSlow(error: unknown): error is CountersignError {
  return error instanceof CountersignError && error.code === "unavailable";
}

function tooSlow(): CountersignError {
  return new CountersignError(
    "unavailable",
    "The features of these rows were not computed in time; send fewer rows, or have the model's features.sql looked at.",
    { extra: { retryAfterSeconds: 2 } },
  );
}

/** A number that a request brings is the caller's to correct, where the SQL is the author's. */
function ofRequest(error: unknown): Error {
  const number = numberBeyond(error);
  if (number === null) return failed(error);
  const fault = { path: `instances[${number.row}]`, message: `gives ${number.feature}, which ${beyondInWords}` };
  return new CountersignError("invalid", `${fault.path} ${fault.message}.`, { faults: [fault], cause: error });
}

async function computeWhole(
  input: { store: ArtifactAccess; spec: FeatureSpec; checked: CheckedSql; digest: Digest },
  signal?: AbortSignal,
): Promise<FeatureTable> {
  const { store, spec, checked } = input;
  return withScratch(async (scratch) => {
    const db = await openDuckDb({ scratch, ...(signal === undefined ? {} : { signal }) });
    try {
      const requests = await verifiedPath(store, input.digest);
      const paths = [requests];
      await db.run(`CREATE VIEW "whole request" AS SELECT * FROM read_parquet(${quoteText(requests)})`);
      for (const [name, lookup] of Object.entries(spec.lookups)) {
        const path = await verifiedPath(store, lookup.table);
        paths.push(path);
        await openLookup(db, { name, lookup, path }, "view");
      }
      const described = await db.rows(`DESCRIBE "whole request"`);
      const types = new Map(described.map((column) => [String(column["column_name"]), String(column["column_type"])]));
      const columns = Object.entries(spec.request).map(([name, wanted]) => {
        const type = types.get(name) ?? "VARCHAR";
        const { value, mismatch } = requestColumn({ name, type, logicalType: logicalTypeOf(type) }, wanted);
        if (mismatch === null) return `${value} AS ${quoteName(name)}`;
        throw new CountersignError("feature-sql", `The request column ${name} ${mismatch} there, and ${wanted} here.`);
      });
      await db.run(`CREATE VIEW request AS SELECT row_id, ${columns.join(", ")} FROM "whole request"`);
      await openAsOfViews(db, spec.lookups);
      await db.harden(paths);
      const [total] = await db.rows(`SELECT count(*) AS n FROM "whole request"`);
      // A class or its absence fits into a byte; the number of a regression does not, and its readers read it themselves.
      const labelled = types.get("label") === "INTEGER";
      const rows = Number(total?.["n"]);
      const sql = `SELECT f.*${labelled ? ", w.label" : ""} FROM (${featureQuery(checked)}) AS f JOIN "whole request" AS w ON w.row_id = f.row_id ORDER BY f.row_id`;
      return await readFeatureTable(db.connection, {
        sql,
        features: spec.features,
        labelled,
        rows,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw signal?.aborted === true ? error : failed(error);
    } finally {
      db.close();
    }
  });
}
