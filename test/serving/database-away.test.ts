import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase } from "../../db/database.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { startServing, type Serving } from "../../serving/service.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { fixtureModel } from "./flights-artifacts.ts";
import { createFlightsFixture, type FlightsFixture } from "./flights-fixture.ts";
import { createOwnPostgres } from "./own-postgres.ts";
import { createServingClient, until } from "./serving-client.ts";
import { createTcpGate, type TcpGate } from "./tcp-gate.ts";

let database: TestDatabase;
let fixture: FlightsFixture;
let gate: TcpGate;
let serving: Serving;
let client: ReturnType<typeof createServingClient>;
const logger = pino({ level: "silent" });

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = await createFlightsFixture({ url: database.url, rows: 1_000 });
  await fixture.addVersion(1);
  await fixture.addVersion(2, { l2: 1_000 });
  await fixture.moveSlot("flight-delays.1");
  const direct = new URL(database.url);
  gate = await createTcpGate({ host: direct.hostname, port: Number(direct.port) });
  const through = new URL(database.url);
  through.port = String(gate.port);
  serving = await startServing({
    databaseUrl: through.href,
    store: fixture.store,
    verifier: fixture.verifier,
    host: "127.0.0.1",
    port: 0,
    logger,
  });
  client = createServingClient({ origin: serving.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel });
});

afterAll(async () => {
  await serving?.stop();
  await gate?.close();
  await fixture?.close();
  await database?.drop();
});

const ask = () => client.predict(fixture.rows.slice(0, 2));
const ready = async () => {
  const response = await fetch(`${serving.origin}/health/ready`);
  return { code: response.status, ...((await response.json()) as { status: string; causes: string[] }) };
};

test.each(["refused", "frozen"] as const)(
  "with the database's connections %s, a caller gets 503 with Retry-After within two seconds, and answers when it is back",
  async (state) => {
    expect((await ask()).status).toBe(200);
    await gate.set(state);
    for (let times = 0; times < 3; times += 1) {
      const start = performance.now();
      const answer = await ask();
      expect(answer.status).toBe(503);
      expect(performance.now() - start).toBeLessThan(2_000 + 250);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(answer.body).toMatchObject({ code: "unavailable" });
    }
    const health = await until("it says that it is down", async () => {
      const now = await ready();
      return now.status === "down" ? now : null;
    });
    expect(health).toMatchObject({ code: 503, causes: [expect.stringContaining("The database does not answer")] });
    await gate.set("open");
    const answer = await until("it answers again", async () => {
      const now = await ask();
      return now.status === 200 ? now : null;
    });
    expect(answer.body.version).toBe("flight-delays.1");
    expect(await until("it says that it is up", async () => (await ready()).status === "up")).toBe(true);
  },
);

test("a slot that moves while the database cannot be reached is followed when it is back", async () => {
  await gate.set("refused");
  await fixture.moveSlot("flight-delays.2");
  await gate.set("open");
  await until("the new champion answers", async () => (await ask()).body.version === "flight-delays.2", 5_000);
});

test("no answer is lost from the record when PostgreSQL is killed under load, and none is given while it is away", async () => {
  const own = await createOwnPostgres();
  let crashing: FlightsFixture | undefined;
  let server: Serving | undefined;
  try {
    await own.start();
    await migrateToLatest(own.url);
    crashing = await createFlightsFixture({ url: own.url, rows: 1_000 });
    await crashing.addVersion(1);
    await crashing.moveSlot("flight-delays.1");
    server = await startServing({
      databaseUrl: own.url,
      store: crashing.store,
      verifier: crashing.verifier,
      host: "127.0.0.1",
      port: 0,
      logger,
    });
    const { predict } = createServingClient({ origin: server.origin, token: crashing.tokens["ada"] ?? "", model: fixtureModel });
    const rows = crashing.rows;
    const answered: string[] = [];
    const statuses = new Set<number>();
    let going = true;
    const callers = Array.from({ length: 8 }, async (_, caller) => {
      while (going) {
        const { status, body } = await predict(rows.slice(caller, caller + 5));
        statuses.add(status);
        answered.push(...(body.predictions ?? []).map(({ id }) => id));
      }
    });
    for (let round = 0; round < 2; round += 1) {
      const before = answered.length;
      await until("predictions are answered", async () => answered.length > before + 200);
      await own.kill();
      await until("callers hear 503", async () => statuses.has(503));
      await own.start();
      statuses.delete(503);
    }
    const after = answered.length;
    await until("predictions are answered again", async () => answered.length > after + 50);
    going = false;
    await Promise.all(callers);
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    const db = createDatabase({ url: own.url, max: 1 });
    const logged = new Set((await db.selectFrom("predictions").select("id").execute()).map(({ id }) => id));
    await db.destroy();
    expect(answered.filter((id) => !logged.has(id))).toEqual([]);
  } finally {
    await server?.stop();
    await crashing?.close();
    await own.remove();
  }
}, 120_000);

test("a server that starts while the database is away says so, and serves when it comes", async () => {
  await gate.set("refused");
  const url = new URL(database.url);
  url.port = String(gate.port);
  const early = await startServing({
    databaseUrl: url.href,
    store: fixture.store,
    verifier: fixture.verifier,
    host: "127.0.0.1",
    port: 0,
    logger,
  });
  try {
    const { predict } = createServingClient({ origin: early.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel });
    expect((await predict(fixture.rows.slice(0, 1))).status).toBe(503);
    expect((await fetch(`${early.origin}/health/live`)).status).toBe(200);
    await gate.set("open");
    await until("it answers", async () => (await predict(fixture.rows.slice(0, 1))).status === 200);
  } finally {
    await early.stop();
  }
});
