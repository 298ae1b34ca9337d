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
  /** Runs one statement; rejects with the signal's reason when it is aborted, within about 0.1 s. */
  run(sql: string): Promise<DuckDBMaterializedResult>;
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
  const run = (sql: string) => cancellable(connection, signal, () => connection.run(sql));
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

/** DuckDB's message in one line, without the paths of this machine and without its echo of our wrapped SQL. */
export function shortMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = (text.split(/\n\s*\n|\nLINE \d+:/)[0] ?? "")
    .replaceAll(/(["'])(?:\/[^"'\n]*\/)([^"'/\n]*)\1/g, "$1$2$1")
    .replaceAll(/(^|\s)\/[^\s"']*\/([^\s"'/]*)/g, "$1$2")
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length > messageLength ? `${line.slice(0, messageLength)}…` : line;
}
