import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Home } from "../../bin/dev/home.ts";
import { logPath, rotateLog } from "../../bin/dev/supervision/logs.ts";
import { readRecords } from "../../bin/dev/supervision/process-records.ts";
import { createSupervisor } from "../../bin/dev/supervision/supervisor.ts";
import { childSpec } from "./fixtures/child-spec.ts";
import { eventually, isAlive, temporaryHome } from "./temporary-home.ts";

function supervise(home: Home) {
  const lines: string[] = [];
  const supervisor = createSupervisor({ home, tell: (line) => lines.push(line) });
  onTestFinished(() => supervisor.stop());
  return { supervisor, lines };
}

async function pidOf(home: Home, name: string): Promise<number> {
  return (await readRecords(home)).find((record) => record.name === name)?.pid ?? 0;
}

test("a process that is killed starts again, in a process group of its own, and this is told", async () => {
  const home = await temporaryHome();
  const { supervisor, lines } = supervise(home);
  await supervisor.start([childSpec(home, "one")]);
  await eventually("the process is on record", async () => (await pidOf(home, "one")) > 0);
  const before = await pidOf(home, "one");
  process.kill(-before, "SIGKILL");
  await eventually("another process is on record", async () => ![0, before].includes(await pidOf(home, "one")));
  expect(lines[0]).toMatch(/^one was ended by SIGKILL; it starts again in 1 s \(log: .*one\.log\)$/);
  await eventually("it is told to be up", () => lines.some((line) => line.startsWith("one is up again")));
});

test("what a killed process had started goes with it, even from another process group", async (context) => {
  if (process.platform !== "linux") context.skip("only Linux shows the environment of other processes");
  const home = await temporaryHome();
  const { supervisor } = supervise(home);
  await supervisor.start([childSpec(home, "parent", ["--with-child"])]);
  const log = logPath(home, "parent");
  await eventually("the child is told", async () => /child \d+/.test(await readFile(log, "utf8")));
  const grandchild = Number(/child (\d+)/.exec(await readFile(log, "utf8"))?.[1]);
  expect(await isAlive(grandchild)).toBe(true);
  process.kill(await pidOf(home, "parent"), "SIGKILL");
  await eventually("the child is gone", async () => !(await isAlive(grandchild)));
});

test("a process that never comes up is given up after a few times, with the end of its log", async () => {
  const home = await temporaryHome();
  const { supervisor, lines } = supervise(home);
  const spec = { ...childSpec(home, "ill", ["--dies-after", "10"]), isReady: async () => false };
  await expect(supervisor.start([spec])).rejects.toThrow(
    /ill ended with code 7, 4 times in a row, and is given up[^]*ill cannot go on/,
  );
  expect(lines.map((line) => /in (\d) s/.exec(line)?.[1])).toEqual(["1", "2", "4"]);
});

test("a program that is not there is told as such", async () => {
  const home = await temporaryHome();
  const { supervisor } = supervise(home);
  const spec = { ...childSpec(home, "missing"), command: "/no/such/program" };
  await expect(supervisor.start([spec])).rejects.toThrow(/missing could not be started \(spawn \/no\/such\/program ENOENT\)/);
});

test("a process that is not ready in time is killed and tried again", async () => {
  const home = await temporaryHome();
  const { supervisor, lines } = supervise(home);
  let asked = 0;
  const spec = {
    ...childSpec(home, "slow"),
    readyWithinMs: 200,
    isReady: async () => (asked += 1) > 5,
  };
  await supervisor.start([spec]);
  expect(lines[0]).toMatch(/^slow was not ready within 0.2 s; it starts again/);
});

test("stopping ends the last group first, all of them gracefully", async () => {
  const home = await temporaryHome();
  const { supervisor } = supervise(home);
  const order = home.path("order.txt");
  await supervisor.start([childSpec(home, "database", ["--order", order])]);
  await supervisor.start([childSpec(home, "server", ["--order", order])]);
  await supervisor.stop();
  expect(await readFile(order, "utf8")).toBe("server\ndatabase\n");
  expect(await readRecords(home)).toEqual([]);
});

test("stopping while a process waits to start again does not start it", async () => {
  const home = await temporaryHome();
  const { supervisor, lines } = supervise(home);
  await supervisor.start([childSpec(home, "one", ["--dies-after", "50"])]);
  await eventually("it died", () => lines.length > 0);
  await supervisor.stop();
  expect(await readRecords(home)).toEqual([]);
});

test("a full log is moved aside once, and the process writes on into the new one", async () => {
  const home = await temporaryHome();
  const { supervisor } = supervise(home);
  await supervisor.start([childSpec(home, "talker")]);
  const log = logPath(home, "talker");
  expect(await rotateLog(log, 1_000_000)).toBe(false);
  expect(await rotateLog(log, 5)).toBe(true);
  expect((await stat(log)).size).toBe(0);
  expect(await readFile(join(home.logs, "talker.log.1"), "utf8")).toBe("talker says hello\n");
});

test("a process that writes for us alone makes files that nobody else may read", async () => {
  const home = await temporaryHome();
  const { supervisor } = supervise(home);
  const file = home.path("private.txt");
  await writeFile(home.path("before.txt"), "x");
  const before = await stat(home.path("before.txt"));
  const script = `require("node:fs").writeFileSync(${JSON.stringify(file)}, "x"); setInterval(() => undefined, 1000)`;
  const spec = { ...childSpec(home, "private"), args: ["-e", script], umask: 0o077 };
  await supervisor.start([{ ...spec, isReady: async () => (await stat(file).catch(() => null)) !== null }]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  // The mask was that of the child alone: our own files are as they were.
  await writeFile(home.path("after.txt"), "x");
  expect((await stat(home.path("after.txt"))).mode).toBe(before.mode);
});
