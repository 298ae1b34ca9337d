import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import {
  databaseUrl,
  initialisePostgres,
  isPostgresReady,
  postgresCommand,
  postgresEnvironment,
} from "../../bin/dev/postgres.ts";
import { until } from "./serving-client.ts";

/** A PostgreSQL of one's own, to be killed and started again; durable as it is by default. */
export interface OwnPostgres {
  url: string;
  start(): Promise<void>;
  /** kill -9 of the server; its backends end with it. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

export async function createOwnPostgres(): Promise<OwnPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-own-"));
  await chmod(folder, 0o711);
  const dataFolder = join(folder, "data");
  const password = "of-this-test-alone";
  const [port = 0] = await anyFreePorts(1);
  const url = databaseUrl({ port, password, database: "postgres" });
  let child: ChildProcess | null = null;
  await initialisePostgres({ dataFolder, password });

  async function kill(): Promise<void> {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await gone;
  }
  return {
    url,
    kill,
    start: async () => {
      const { command, args, owner } = await postgresCommand({ dataFolder, port });
      // Backends of a killed server hold its shared memory for some moments, and a new one ends at once.
      await until(
        "PostgreSQL answers",
        async () => {
          if (child === null || child.exitCode !== null)
            child = spawn(command, args, { stdio: "ignore", env: postgresEnvironment(), ...owner });
          return isPostgresReady(url);
        },
        30_000,
      );
    },
    remove: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
