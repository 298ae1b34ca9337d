import { open } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { CountersignError } from "../../domain/errors.ts";
import { openDuckDb } from "../../ml/duckdb.ts";
import type { Brought, Offer, SourceRequest } from "../../ml/datasets/offers.ts";
import { twinNames, twinsInWords } from "../../ml/datasets/column-twins.ts";
import { packRows, type TextColumn, textRow, type UnfitColumn } from "../../ml/datasets/text-rows.ts";
import type { StageTools } from "../../ml/stage-tools.ts";
import { count } from "../../ml/count-words.ts";
import { toldError } from "../told-error.ts";

/** Rows of one FETCH: some hundred kilobytes, so that memory stays flat however large the answer is. */
const rowsAtOnce = 5_000;

export interface QueryLimits {
  connectMs: number;
  /** Of each statement, a FETCH of some thousand rows among them. */
  statementMs: number;
  rows: number;
}

export const defaultQueryLimits: QueryLimits = { connectMs: 10_000, statementMs: 10 * 60_000, rows: 200_000_000 };

/**
 * The answer of a query on a PostgreSQL database, as one Parquet file with the rows in the order of
 * their values. It is read in one read-only transaction, statement by statement under a time limit,
 * by a cursor; the extended protocol takes one statement alone, so that no second one hides behind a
 * semicolon. `connections` are the operator's, by name: a definition never holds credentials.
 */
export function queryOffer(
  { source, definition, months }: SourceRequest,
  { connections, limits }: { connections: Record<string, string>; limits: QueryLimits },
): Offer {
  const { query, time } = definition;
  if (query === undefined) throw new TypeError(`${source} has no query.`);
  const path = `data.sources.${source}.query`;
  const url = connections[query.connection];
  if (url === undefined) {
    const message = `the worker knows no database ${query.connection}: its environment has no COUNTERSIGN_SOURCE_${query.connection.toUpperCase()}`;
    throw new CountersignError("source-unreadable", `${path}: ${message}.`, {
      faults: [{ path: `${path}.connection`, message }],
    });
  }
  const bare = query.sql.replace(/;\s*$/, "");
  // The window is the database's to apply: what lies outside never crosses the network.
  const sql =
    months === null || time === undefined
      ? bare
      : `SELECT * FROM (${bare}\n) AS rows WHERE ${quoted(time)} >= '${months.from}' AND ${quoted(time)} < '${months.until}'`;
  return {
    name: `query of ${query.connection}`,
    // A database does not tell whether an answer would be the same.
    place: null,
    format: "parquet",
    encoding: "utf-8",
    bring: async (_known, scratch, tools) => {
      const files = { text: join(scratch, `${source}.rows`), parquet: join(scratch, `${source}.parquet`) };
      try {
        const columns = await readRows({ url, sql, file: files.text, limits }, tools);
        return await pack(files, columns, { scratch, tools });
      } catch (error) {
        tools.signal.throwIfAborted();
        throw asFailure(error, path);
      }
    },
  };
}

async function readRows(
  job: { url: string; sql: string; file: string; limits: QueryLimits },
  { signal, progress }: StageTools,
): Promise<TextColumn[]> {
  const client = new pg.Client({
    connectionString: job.url,
    application_name: "countersign-ingest",
    connectionTimeoutMillis: job.limits.connectMs,
    statement_timeout: job.limits.statementMs,
    // The server's limit comes first; this one is for a server that no longer answers.
    query_timeout: job.limits.statementMs + 5_000,
    keepAlive: true,
    options: "-c default_transaction_read_only=on -c TimeZone=UTC -c DateStyle=ISO",
  });
  // A connection that breaks between two statements reports it here; the next statement fails.
  client.on("error", () => undefined);
  await client.connect();
  const abort = () => void client.end();
  signal.addEventListener("abort", abort, { once: true });
  const file = await open(job.file, "w");
  try {
    await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    // The types of the driver do not know the mode yet (8.23); the driver does.
    const declare = { text: `DECLARE rows NO SCROLL CURSOR FOR ${job.sql}`, queryMode: "extended" };
    await client.query(declare);
    let columns: TextColumn[] = [];
    let rows = 0;
    for (;;) {
      const answer = await client.query<(string | null)[]>({
        text: `FETCH FORWARD ${rowsAtOnce} FROM rows`,
        rowMode: "array",
        types: { getTypeParser: () => (text: unknown) => text },
      });
      columns = answer.fields.map((field) => ({ name: field.name, type: typeOf(field.dataTypeID) }));
      if (answer.rows.length === 0) return columns;
      await file.write(answer.rows.map(textRow).join(""));
      rows += answer.rows.length;
      progress(`reading the query: ${count(rows)} rows`);
      if (rows > job.limits.rows)
        throw new CountersignError(
          "source-unreadable",
          `The query gives more than ${count(job.limits.rows)} rows, the most that are read.`,
        );
    }
  } finally {
    signal.removeEventListener("abort", abort);
    await file.close();
    await client.end().catch(() => undefined);
  }
}

async function pack(
  files: { text: string; parquet: string },
  columns: TextColumn[],
  { scratch, tools }: { scratch: string; tools: StageTools },
): Promise<Brought> {
  const names = columns.map((column) => column.name);
  const twins = twinNames(names);
  if (twins !== null) throw new CountersignError("source-unreadable", `The query gives ${twinsInWords(twins)}.`);
  const db = await openDuckDb({ scratch, signal: tools.signal, threads: 1 });
  try {
    const wrong = await packRows(db, files, columns);
    if (wrong !== null) throw unfit(wrong);
  } finally {
    db.close();
  }
  return { unchanged: false, file: files.parquet, fingerprint: null };
}

/** PostgreSQL's types by their number (pg_type.oid); what is not here stays text. */
const types: Record<number, string> = {
  16: "BOOLEAN",
  20: "BIGINT",
  21: "SMALLINT",
  23: "INTEGER",
  700: "FLOAT",
  701: "DOUBLE",
  1082: "DATE",
  1114: "TIMESTAMP",
  1184: "TIMESTAMPTZ",
  // Of arbitrary precision there; models count in 64 bits, which is 15 digits.
  1700: "DOUBLE",
};

/** What cells that are not of their type are told as: the same query would meet them again. */
function unfit({ name, type, cells }: UnfitColumn): CountersignError {
  const values = cells === 1 ? "one value" : `${count(cells)} values`;
  const message = `The query gives ${values} of ${name} that ${type} cannot hold exactly; cast ${name} to text or to another type in the query.`;
  return new CountersignError("source-unreadable", message);
}

function typeOf(oid: number): string {
  return types[oid] ?? "VARCHAR";
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Classes of SQLSTATE that pass by themselves: connection, resources, intervention of the operator, rollback for serialization. */
const passing = /^(08|53|57P0|40)/;

function asFailure(error: unknown, path: string): Error {
  if (error instanceof CountersignError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const text = toldError(error);
  // 57014: the time limit; the same query would meet it again.
  if (/^[0-9A-Z]{5}$/.test(code) && !passing.test(code)) {
    const message = code === "57014" ? "takes longer than a statement may" : `is refused by the database: ${text}`;
    return new CountersignError("source-unreadable", `${path}.sql ${message}.`, {
      faults: [{ path: `${path}.sql`, message }],
      cause: error,
    });
  }
  return new CountersignError("transient", `The database of ${path} could not be read: ${text}.`, { cause: error });
}
