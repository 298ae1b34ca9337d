import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { postgresBinaries } from "./postgres-binaries.ts";
import { postgresOwner, type ProcessOwner } from "./postgres-owner.ts";

const execute = promisify(execFile);

export const superuser = "countersign";

/** What starts one PostgreSQL server: a command, and the user it must run as (null: ourselves). */
export interface PostgresCommand {
  command: string;
  args: string[];
  owner: ProcessOwner | null;
}

/** True once initdb went through to its end in that folder. */
async function isInitialised(dataFolder: string): Promise<boolean> {
  return stat(join(dataFolder, "global", "pg_control")).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the database cluster in `dataFolder` unless it is there. An initdb that broke off leaves a
 * folder without its last file; such a folder is made anew, nothing was ever in it.
 */
export async function initialisePostgres(options: { dataFolder: string; password: string; flags?: string[] }): Promise<void> {
  const { dataFolder, password } = options;
  if (await isInitialised(dataFolder)) return;
  const owner = await postgresOwner();
  const { initdb } = await postgresBinaries(owner);
  await rm(dataFolder, { recursive: true, force: true });
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const passwordFile = join(tmpdir(), `countersign-${randomBytes(9).toString("hex")}`);
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  try {
    if (owner !== null) await Promise.all([dataFolder, passwordFile].map((path) => chown(path, owner.uid, owner.gid)));
    // The builtin locale sorts the same on every machine, whatever locales the system has.
    const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    const access = ["--auth=scram-sha-256", `--username=${superuser}`, `--pwfile=${passwordFile}`];
    await execute(initdb, [`--pgdata=${dataFolder}`, ...access, ...locale, ...(options.flags ?? [])], {
      ...owner,
      env: postgresEnvironment(),
    });
  } catch (error) {
    await rm(dataFolder, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(passwordFile, { force: true });
  }
  await chmod(dataFolder, 0o700);
}

/** No settings of another PostgreSQL, such as PGDATA, may reach ours. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"] ?? "",
    LC_ALL: "C",
    TZ: "UTC",
    SYSTEMROOT: process.env["SYSTEMROOT"],
  };
}

/** The server on loopback alone, without a Unix socket; `settings` as for `postgres -c`. */
export async function postgresCommand(options: {
  dataFolder: string;
  port: number;
  settings?: string[];
}): Promise<PostgresCommand> {
  const owner = await postgresOwner();
  const { postgres } = await postgresBinaries(owner);
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", ...(options.settings ?? [])];
  return {
    command: postgres,
    args: ["-D", options.dataFolder, "-p", String(options.port), ...settings.flatMap((setting) => ["-c", setting])],
    owner,
  };
}

export function databaseUrl(options: { port: number; password: string; database: string; role?: string }): string {
  return `postgres://${options.role ?? superuser}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${options.database}`;
}

/** Whether a server answers a query there. */
export async function isPostgresReady(url: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    query_timeout: 2_000,
  });
  // A server that goes down while we ask says so by an event too, which must not end this process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
