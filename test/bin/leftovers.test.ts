import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openHome, readText } from "../../bin/dev/home.ts";
import { endLeftovers } from "../../bin/dev/supervision/leftovers.ts";
import { HomeTakenError, takeLock } from "../../bin/dev/supervision/lock.ts";
import { processesMarked } from "../../bin/dev/supervision/process-identity.ts";
import { readRecords, writeRecord } from "../../bin/dev/supervision/process-records.ts";
import { isPostgresReady } from "../../bin/dev/postgres.ts";
import { preparePostgres } from "../../bin/dev/postgres-process.ts";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import { createSupervisor } from "../../bin/dev/supervision/supervisor.ts";
import { eventually, isAlive, temporaryHome } from "./temporary-home.ts";

const supervising = fileURLToPath(new URL("fixtures/supervising.ts", import.meta.url));

async function startSupervising(homeFolder: string) {
  const program = spawn(process.execPath, [supervising, homeFolder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: program.stdout });
  for await (const line of lines) if (line === "all are up") break;
  return program;
}

/** Something that runs and is none of ours. */
function startStranger(): number {
  const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
  onTestFinished(() => void stranger.kill("SIGKILL"));
  return stranger.pid ?? 0;
}

test("what a killed supervisor left runs on, and the next start ends it, stubborn ones and strays as well", async () => {
  const home = await temporaryHome();
  const program = await startSupervising(home.folder);
  await eventually("both are on record", async () => (await readRecords(home)).length === 2);
  const pids = (await readRecords(home)).map((record) => record.pid);
  await expect(takeLock(home)).rejects.toThrow(HomeTakenError);

  program.kill("SIGKILL");
  await once(program, "exit");
  for (const pid of pids) expect(await isAlive(pid)).toBe(true);

  const release = await takeLock(home);
  const ended = await endLeftovers(home, 500);
  expect(ended.slice(0, 2)).toEqual(["second", "first"]);
  for (const pid of pids) expect(await isAlive(pid)).toBe(false);
  await eventually("no stray is left", async () => (await processesMarked(`${home.instance}:`)).length === 0);
  expect(await readRecords(home)).toEqual([]);
  await release();
}, 60_000);

test("a process that took the number of an earlier one is let alone", async () => {
  const home = await temporaryHome();
  const stranger = startStranger();
  await writeRecord(home, {
    name: "server",
    pid: stranger,
    identity: "another start",
    stopSignal: "SIGTERM",
    order: 1,
  });
  expect(await endLeftovers(home)).toEqual([]);
  expect(await isAlive(stranger)).toBe(true);
  expect(await readRecords(home)).toEqual([]);
});

test("a lock whose process is gone, or whose number belongs to another one, is taken over", async () => {
  const home = await temporaryHome();
  await writeFile(home.path("supervisor.json"), JSON.stringify({ pid: startStranger(), identity: "another start" }));
  const release = await takeLock(home);
  await expect(takeLock(home)).rejects.toThrow(`kill ${process.pid}`);
  await release();
  await (
    await takeLock(home)
  )();
});

test("a database server whose record was lost is found by its own file, and its data is whole", async () => {
  const home = await temporaryHome();
  const [port = 0] = await anyFreePorts(1);
  const { spec, adminUrl } = await preparePostgres(home, port);
  const child = spawn(spec.command, spec.args, {
    env: spec.env,
    stdio: "ignore",
    detached: true,
    ...spec.owner,
  });
  onTestFinished(() => void child.kill("SIGQUIT"));
  await eventually("PostgreSQL answers", () => isPostgresReady(adminUrl));
  expect(await endLeftovers(home)).toEqual(["postgres"]);
  await eventually("it is gone", () => child.exitCode !== null);
  expect(child.exitCode).toBe(0);

  const supervisor = createSupervisor({ home, tell: () => undefined });
  onTestFinished(() => supervisor.stop());
  await supervisor.start([spec]);
  expect(await isPostgresReady(adminUrl)).toBe(true);
});

test("a postmaster.pid that names a stranger is removed, and the stranger let alone", async () => {
  const home = await temporaryHome();
  const stranger = startStranger();
  await mkdir(home.postgres, { recursive: true });
  const file = join(home.postgres, "postmaster.pid");
  await writeFile(file, `${stranger}\n${home.postgres}\n1\n5433\n`);
  expect(await endLeftovers(home)).toEqual([]);
  expect(await readText(file)).toBeNull();
  expect(await isAlive(stranger)).toBe(true);
});

test("a home keeps its instance id", async () => {
  const home = await temporaryHome();
  expect((await openHome(home.folder)).instance).toBe(home.instance);
});
