import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import { seedDevelopment } from "../../control/seed.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { temporalAddress } from "../setup/temporal.ts";
import { createTcpGate, type TcpGate } from "../serving/tcp-gate.ts";
import { until } from "../world/until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let database: TestDatabase;
let wire: TcpGate;
let home: string;
let server: ChildProcess;
let origin: string;
let token: string;

beforeEach(async () => {
  const [made, folder, [port = 0]] = await Promise.all([
    createTestDatabase(),
    mkdtemp(join(tmpdir(), "countersign-server-")),
    anyFreePorts(1),
  ]);
  database = made;
  home = folder;
  origin = `http://127.0.0.1:${port}`;
  const url = new URL(database.url);
  wire = await createTcpGate({ host: url.hostname, port: Number(url.port) });
  url.port = String(wire.port);
  token = (await seedDevelopment({ databaseUrl: database.url, home, mode: "development" }))["olga"] ?? "";
  const { privateKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  await writeFile(join(home, "signing.pem"), privateKey);
  server = spawn(process.execPath, [join(root, "bin", "server.ts")], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      COUNTERSIGN_MODE: "development",
      COUNTERSIGN_HOME: home,
      COUNTERSIGN_LOG_LEVEL: "error",
      COUNTERSIGN_API_PORT: String(port),
      COUNTERSIGN_ARTIFACTS: join(home, "artifacts"),
      COUNTERSIGN_SIGNING_KEY_FILE: join(home, "signing.pem"),
      DATABASE_URL: url.href,
      TEMPORAL_ADDRESS: temporalAddress(),
    },
  });
});
afterEach(async () => {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
  await wire.close();
  await database.drop();
  await rm(home, { recursive: true, force: true });
});

const answers = () => until("the server answers", async () => (await fetch(`${origin}/api/health/live`).catch(() => null))?.ok);
const get = (path: string) => fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });

test("it opens its door while the database is away, says so, and needs no restart when it comes back", async () => {
  await wire.set("refused");
  await answers();
  const ready = await fetch(`${origin}/api/health/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    status: "unready",
    checks: { postgres: { up: false }, temporal: { up: true }, artifacts: { up: true } },
  });
  const away = await get("/api/models");
  expect([away.status, away.headers.get("retry-after")]).toEqual([503, "2"]);
  expect(await away.json()).toMatchObject({ code: "unavailable" });
  await wire.set("open");
  await until("the database is found again", async () => (await get("/api/models")).ok);
});

test("asked to stop it ends within moments, also with an event stream open", async () => {
  await answers();
  const stream = await get("/api/events");
  expect(stream.status).toBe(200);
  const began = Date.now();
  server.kill("SIGTERM");
  const [code] = (await once(server, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(Date.now() - began).toBeLessThan(5_000);
  await stream.body?.cancel();
});

test("it serves the pages beside the API, each with its own kind of fault", async () => {
  await answers();
  const page = await fetch(`${origin}/`, { redirect: "manual", headers: { accept: "text/html" } });
  expect([302, 303]).toContain(page.status);
  const lost = await get("/api/nothing");
  expect([lost.status, lost.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
});

test("a caller who never finishes the headers is hung up on", { timeout: 40_000 }, async () => {
  await answers();
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write("GET /api/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:");
  const began = Date.now();
  socket.resume();
  await once(socket, "close");
  expect(Date.now() - began).toBeLessThan(20_000);
});
