import { Kysely, PostgresDialect, type Transaction } from "kysely";
import pg from "pg";
import type { Database } from "./schema.ts";

export type Db = Kysely<Database>;
export type Trx = Transaction<Database>;

const bigintOid = 20;

/**
 * `pg` waits for ever by default. A statement ends before the 10 s of a record activity do, so
 * that a stuck one frees its locks before it is tried again; the client gives up a little later
 * than the server, so that it hears the server's reason.
 */
export const databaseTimeouts = {
  connectionTimeoutMillis: 5_000,
  statement_timeout: 8_000,
  query_timeout: 9_000,
  idle_in_transaction_session_timeout: 10_000,
} as const;

export interface DatabaseOptions {
  url: string;
  max?: number;
  /** Serving gives up sooner than the rest: it answers 503 within two seconds. */
  timeouts?: Partial<Record<keyof typeof databaseTimeouts, number>>;
}

/** A pool of at most `max` connections (10). End it by `destroy()`. */
export function createDatabase({ url, max = 10, timeouts = {} }: DatabaseOptions): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    keepAlive: true,
    application_name: "countersign",
    ...databaseTimeouts,
    ...timeouts,
    types: { getTypeParser },
  });
  // An idle connection that breaks is replaced at its next use; unheard, it would end the process.
  pool.on("error", () => undefined);
  // So does one that breaks between two statements of a transaction: its next statement fails, and that
  // error is heard (found by killing PostgreSQL under load: an uncaught 57P01 ended the process).
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
  });
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

/** bigint as a number on this pool only: epochs and sequence numbers stay far below 2^53. */
function getTypeParser(...args: Parameters<typeof pg.types.getTypeParser>) {
  if (args[0] === bigintOid) return (text: string) => Number(text);
  // oxlint-disable-next-line typescript/no-unsafe-return -- pg types its parsers as any
  return pg.types.getTypeParser(...args);
}
