import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { choosePorts } from "../../bin/dev/instance-ports.ts";
import { anyFreePorts, freePortFrom, isPortFree } from "../../bin/dev/ports.ts";
import { temporaryHome } from "./temporary-home.ts";

async function occupy(port: number): Promise<() => Promise<void>> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ port, host: "127.0.0.1" }, resolve));
  const free = () => new Promise<void>((resolve) => server.close(() => resolve()));
  onTestFinished(free);
  return free;
}

test("a taken port is stepped over, and so is one that was given to somebody else", async () => {
  const [port = 0] = await anyFreePorts(1);
  await occupy(port);
  const next = await freePortFrom(port);
  expect(next).toBeGreaterThan(port);
  expect(await freePortFrom(port, new Set([next]))).toBeGreaterThan(next);
});

test("ports are kept from start to start while they are free", async () => {
  const home = await temporaryHome();
  const first = await choosePorts(home, {});
  expect(new Set(Object.values(first)).size).toBe(8);
  expect(await choosePorts(home, {})).toEqual(first);
  await occupy(first.api);
  const second = await choosePorts(home, {});
  expect(second.api).not.toBe(first.api);
  expect({ ...second, api: 0 }).toEqual({ ...first, api: 0 });
});

test("a port that the environment names is taken, or refused with the setting's name; no other takes its place", async () => {
  const home = await temporaryHome();
  const [port = 0] = await anyFreePorts(1);
  expect((await choosePorts(home, { api: port })).api).toBe(port);
  await occupy(port);
  expect(await isPortFree(port)).toBe(false);
  await expect(choosePorts(home, { api: port })).rejects.toThrow(`COUNTERSIGN_API_PORT names port ${port}, which is taken`);
});

test("what the home remembers is forgotten when it is no port", async () => {
  const home = await temporaryHome();
  const { writePrivate } = await import("../../bin/dev/home.ts");
  await writePrivate(home.path("ports.json"), '{"api": "many"}');
  expect((await choosePorts(home, {})).api).toBeGreaterThanOrEqual(4400);
});
