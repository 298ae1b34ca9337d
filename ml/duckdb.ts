import { type DuckDBConnection, DuckDBInstance, type DuckDBMaterializedResult, type Json } from "@duckdb/node-api";

/**
 * An in-memory DuckDB that is trusted until `harden`: afterwards it reads and writes the files
 * named there and no others, loads nothing, and keeps its settings, whatever SQL it is given.
 *
 * Files are named (`allowed_paths`) rather than loaded into tables: a view over Parquet streams,
 * so memory stays within `memoryMb` however large the source is. What a definition's SQL may
 * mention at all is checked before it runs (sql-check.ts); this is the second wall.
 */
export interface DuckDb {
  readonly connection: DuckDBConnection;
  /** Runs one statement; rejects with the signal's reason when it is aborted, within about 0.1 s. Its own signal takes the place of the options'. */
  run(sql: string, signal?: AbortSignal): Promise<DuckDBMaterializedResult>;
  /** Rows as objects of JSON values: for small results (aggregates, samples) only. BIGINT comes as a string. */
  rows(sql: string): Promise<Record<string, Json>[]>;
  harden(paths: string[]): Promise<void>;
  close(): void;
}

export interface DuckDbOptions {
  memoryMb?: number;
  /** Two: the machines that this runs on have other work to do at the same time. */
  threads?: number;
  /** A directory for what does not fit into memory; without one, a query that needs more fails. */
  scratch?: string;
  signal?: AbortSignal;
}

export async function openDuckDb({ memoryMb = 1024, threads = 2, scratch, signal }: DuckDbOptions = {}): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(threads),
    memory_limit: `${memoryMb}MB`,
    temp_directory: scratch ?? "",
    // A join that explodes shall fail before it fills the disk.
    max_temp_directory_size: "20GB",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    allow_persistent_secrets: "false",
  });
  const connection = await instance.connect();
  const run = (sql: string, own = signal) => cancellable(connection, own, () => connection.run(sql));
  // Results must not depend on where the machine stands.
  await run("SET TimeZone = 'UTC'");
  return {
    connection,
    run,
    rows: async (sql) => (await run(sql)).getRowObjectsJson(),
    harden: async (paths) => {
      await run(`SET allowed_paths = [${paths.map(quoteText).join(", ")}]`);
      await run("SET enable_external_access = false");
      await run("SET lock_configuration = true");
    },
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Runs a query and interrupts it when the signal is aborted. */
export async function cancellable<T>(
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
  query: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return query();
  signal.throwIfAborted();
  // An interrupt that comes before the query has begun is lost, so it is repeated until the query ends.
  let repeat: NodeJS.Timeout | undefined;
  const interrupt = () => {
    connection.interrupt();
    repeat = setInterval(() => connection.interrupt(), 50);
  };
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await query();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(repeat);
    signal.removeEventListener("abort", interrupt);
  }
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const messageLength = 300;

/**
 * Errors that DuckDB finds in the SQL itself, before any row is read: they quote the SQL and the names of columns. All
 * others may quote a value of the data, and messages travel: into records that cannot be deleted, histories, Slack.
 */
const ofTheSql = /^(Parser|Binder|Catalog|Syntax|Permission|Not implemented|Dependency) Error: /;

/**
 * What may be told of an error of DuckDB, in one line: without values of the data, without the paths of this machine
 * and without its echo of our wrapped SQL. `overData: false`: the SQL reads no rows, only what a definition says itself.
 */
export function shortMessage(error: unknown, { overData = true }: { overData?: boolean } = {}): string {
  const text = error instanceof Error ? error.message : String(error);
  if (overData && !ofTheSql.test(text)) return withoutValues(text);
  const line = (text.split(/\n\s*\n|\nLINE \d+:/)[0] ?? "")
    .replaceAll(/(["'])(?:\/[^"'\n]*\/)([^"'/\n]*)\1/g, "$1$2$1")
    .replaceAll(/(^|\s)\/[^\s"']*\/([^\s"'/]*)/g, "$1$2")
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length > messageLength ? `${line.slice(0, messageLength)}…` : line;
}

/** Kind, type and column are told: a type is a word in capitals, and a column is named at the very end. */
function withoutValues(text: string): string {
  const echo = text.lastIndexOf("\n\nLINE ");
  const told = echo === -1 ? text : text.slice(0, echo);
  const kind = /^([A-Z][A-Za-z ]{0,40} Error): /.exec(told)?.[1];
  if (kind === undefined) return "something in it cannot be computed";
  if (kind !== "Conversion Error") return `a value cannot be computed (${kind})`;
  const column = / when casting from source column ([A-Za-z_]\w{0,62})$/.exec(told);
  const before = column === null ? told : told.slice(0, column.index);
  const type = / to (?:the destination type )?([A-Z][A-Z0-9_]*(?:\(\d+(?:,\d+)?\))?)$/.exec(before)?.[1];
  const ofColumn = column === null ? "" : ` of the column ${column[1]}`;
  return `a value${ofColumn} cannot be converted${type === undefined ? "" : ` to ${type}`} (${kind})`;
}
