import { randomBytes } from "node:crypto";
import { lstat, mkdir, realpath, symlink } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { appRole, ensureRole } from "../../db/grants.ts";
import { readOrMake, type Home } from "./home.ts";
import { databaseUrl, initialisePostgres, isPostgresReady, postgresCommand, postgresEnvironment } from "./postgres.ts";
import { sharedFolder } from "./postgres-binaries.ts";
import { isReachable, postgresOwner } from "./postgres-owner.ts";
import type { ProcessSpec } from "./supervision/supervised-process.ts";

const database = "countersign";
/** Recovery after a kill replays what was written since the last checkpoint. */
const readyWithinMs = 60_000;

export interface PreparedPostgres {
  spec: ProcessSpec;
  /** As the role of the product's processes, which owns nothing. */
  url: string;
  /** As the owner of the tables, for migrations. */
  ownerUrl: string;
  /** As the same, to a database that is always there. */
  adminUrl: string;
  appPassword: string;
}

/** The instance's database server, its cluster made at the first start. */
export async function preparePostgres(home: Home, port: number): Promise<PreparedPostgres> {
  const makePassword = () => randomBytes(24).toString("base64url");
  const password = await readOrMake(home.path("postgres-password"), makePassword);
  const appPassword = await readOrMake(home.path("postgres-app-password"), makePassword);
  const dataFolder = await clusterFolder(home);
  await initialisePostgres({ dataFolder, password });
  const { command, args, owner } = await postgresCommand({
    dataFolder,
    port,
    settings: ["max_connections=200"],
  });
  const adminUrl = databaseUrl({ port, password, database: "postgres" });
  const env = Object.fromEntries(
    Object.entries(postgresEnvironment()).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return {
    url: databaseUrl({ port, password: appPassword, database, role: appRole }),
    ownerUrl: databaseUrl({ port, password, database }),
    adminUrl,
    appPassword,
    spec: {
      name: "postgres",
      command,
      args,
      env,
      owner,
      isReady: () => isPostgresReady(adminUrl),
      readyWithinMs,
      stopSignal: "SIGINT",
    },
  };
}

/**
 * Below the home; or, when we are root and PostgreSQL's user may not enter the home (a checkout
 * below /root), in a folder of the system, with a link to it in the home.
 */
async function clusterFolder(home: Home): Promise<string> {
  const isThere = await lstat(home.postgres).catch(() => null);
  if (isThere !== null) return realpath(home.postgres);
  const owner = await postgresOwner();
  if (owner === null || (await isReachable(home.folder, owner))) return home.postgres;
  const folder = join(sharedFolder, `postgres-${home.instance}`);
  await mkdir(folder, { recursive: true });
  await symlink(folder, home.postgres);
  return folder;
}

/** Makes the instance's database and the role of its processes unless they are there. */
export async function ensureDatabase({
  adminUrl,
  appPassword,
}: Pick<PreparedPostgres, "adminUrl" | "appPassword">): Promise<void> {
  const client = new pg.Client({
    connectionString: adminUrl,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  await client.connect();
  try {
    const found = await client.query("select from pg_database where datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`create database ${database}`);
    await ensureRole(client, appRole, appPassword);
  } finally {
    await client.end();
  }
}
