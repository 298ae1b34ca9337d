/**
 * One PostgreSQL and one Temporal development server for a whole test run, in a process of its own
 * that holds on to its standard input: when the run ends, however it ends (also by kill -9), the
 * pipe closes, and this process ends both servers and removes what they wrote.
 * Prints one line of JSON when both are up.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureTemporalCli } from "../../bin/setup/temporal-cli.mjs";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import {
  databaseUrl,
  initialisePostgres,
  isPostgresReady,
  postgresCommand,
  postgresEnvironment,
} from "../../bin/dev/postgres.ts";
import { isTemporalReady, temporalArgs } from "../../bin/dev/temporal.ts";

/** A cold start of both takes 2 to 3 s on two cores; a loaded machine may need ten times that. */
const readyWithinMs = 60_000;

const folder = await mkdtemp(join(tmpdir(), "countersign-test-"));
// PostgreSQL may run as another user than we (root cannot run it), who must get through here.
await chmod(folder, 0o711);
const children: ChildProcess[] = [];
let ending = false;

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  // PostgreSQL ends at once on SIGQUIT; nothing that it holds is kept.
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGQUIT");
      await Promise.race([gone, sleep(3_000).then(() => child.kill("SIGKILL"))]);
    }),
  );
  await rm(folder, { recursive: true, force: true });
  process.exit(code);
}

process.stdin.resume();
process.stdin.once("end", () => void end(0));
process.stdin.once("error", () => void end(0));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void end(0));

function start(command: string, args: string[], options: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv }): void {
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
    ...options,
  });
  const lines: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => {
    lines.push(chunk.toString("utf8"));
    if (lines.length > 20) lines.shift();
  });
  child.once("error", (error) => lines.push(error.message));
  child.once("exit", () => {
    if (ending) return;
    process.stderr.write(`${command} ended by itself:\n${lines.join("")}\n`);
    void end(1);
  });
  children.push(child);
}

async function until(what: string, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (!(await isReady())) {
    if (Date.now() > deadline) throw new Error(`${what} was not ready within ${readyWithinMs / 1000} s`);
    await sleep(50);
  }
}

async function startPostgres(port: number): Promise<string> {
  const password = randomBytes(18).toString("base64url");
  const dataFolder = join(folder, "postgres");
  await initialisePostgres({ dataFolder, password, flags: ["--no-sync"] });
  // Tests kill processes, not the machine: without fsync a commit outlives the first, and costs less.
  const settings = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300", "shared_buffers=64MB"];
  const { command, args, owner } = await postgresCommand({ dataFolder, port, settings });
  start(command, args, { ...owner, env: postgresEnvironment() });
  const url = databaseUrl({ port, password, database: "postgres" });
  await until("PostgreSQL", () => isPostgresReady(url));
  return url;
}

async function startTemporal(port: number): Promise<string> {
  const address = `127.0.0.1:${port}`;
  start(await ensureTemporalCli(), temporalArgs({ port, uiPort: null, databaseFile: null }), {});
  await until("Temporal", () => isTemporalReady(address));
  return address;
}

try {
  const [postgresPort = 0, temporalPort = 0] = await anyFreePorts(2);
  const [adminDatabaseUrl, temporalAddress] = await Promise.all([startPostgres(postgresPort), startTemporal(temporalPort)]);
  process.stdout.write(`${JSON.stringify({ adminDatabaseUrl, temporalAddress })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  await end(1);
}
