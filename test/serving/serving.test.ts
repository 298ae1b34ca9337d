import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Db } from "../../db/database.ts";
import { startServing, type Serving } from "../../serving/service.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { fixtureModel } from "./flights-artifacts.ts";
import { createFlightsFixture, type FlightsFixture } from "./flights-fixture.ts";
import { createServingClient, until } from "./serving-client.ts";

let database: TestDatabase;
let fixture: FlightsFixture;
let serving: Serving;
let admin: Db;
let client: ReturnType<typeof createServingClient>;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = createDatabase({ url: database.adminUrl, max: 1 });
  fixture = await createFlightsFixture({ url: database.url });
  await fixture.addVersion(1, { waiting: true });
  serving = await startServing({
    databaseUrl: database.url,
    store: fixture.store,
    verifier: fixture.verifier,
    host: "127.0.0.1",
    port: 0,
    logger: pino({ level: "silent" }),
    retryMs: 200,
  });
  client = createServingClient({ origin: serving.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel });
});

afterAll(async () => {
  await serving?.stop();
  await fixture?.close();
  await admin?.destroy();
  await database?.drop();
});

const firstRow = () => fixture.rows.slice(0, 1);

/** Milliseconds from the move of the slot to the first prediction by that version. */
async function untilServed(version: string): Promise<number> {
  const start = performance.now();
  await until(`${version} answers`, async () => (await client.predict(firstRow())).body.version === version);
  return performance.now() - start;
}

test("a model without a champion answers 409 no-champion", async () => {
  const answer = await client.predict(firstRow());
  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe("no-champion");
});

test("a candidate that waits for its approval is in memory, so that it serves at once when its slot moves", async () => {
  await until("the candidate is loaded", async () => serving.loaded().includes("flight-delays.1"));
  expect((await client.predict(firstRow())).status).toBe(409);
  await fixture.moveSlot("flight-delays.1");
  await untilServed("flight-delays.1");
  await fixture.db
    .updateTable("releases")
    .set({ state: "ended", outcome: "promoted" })
    .where("id", "=", "flight-delays.1")
    .execute();
});

test("an answer has one prediction a row, with label by the threshold, and all of it is on record", async () => {
  const answer = await client.predict(fixture.rows.slice(0, 100), "batch-7");
  expect(answer.status).toBe(200);
  const predictions = answer.body.predictions ?? [];
  expect(predictions).toHaveLength(100);
  for (const { id, label, probability } of predictions) {
    expect(id).toMatch(/^prd_[\w-]{22}$/);
    expect(label).toBe(probability >= 0.5 ? "late" : "not late");
  }
  const logged = await fixture.db.selectFrom("predictions").selectAll().where("key", "=", "batch-7").execute();
  const byId = new Map(logged.map((row) => [row.id, row]));
  expect(byId.size).toBe(100);
  for (const [index, { id, label, probability }] of predictions.entries())
    expect(byId.get(id)).toMatchObject({
      model: fixtureModel,
      environment: "production",
      version_id: "flight-delays.1",
      epoch: 1,
      label,
      probability,
      request: fixture.rows[index],
    });
});

test("what is served is what the same version computes offline over the same rows", async () => {
  const { createFeatureEngine } = await import("../../ml/features/compute-features.ts");
  const { createScorer } = await import("../../ml/onnx/scorer.ts");
  const engine = await createFeatureEngine({ store: fixture.store, spec: fixture.spec });
  const table = await engine.computeFromParquet(fixture.requests);
  const manifest = fixture.manifests.get("flight-delays.1");
  if (manifest === undefined) throw new Error("The fixture has no version 1.");
  const scorer = await createScorer({ bytes: await fixture.store.get(manifest.onnx), features: fixture.spec.features });
  const offline = await scorer.score(Object.fromEntries(table.columns.map(({ name, values }) => [name, values])));
  const answer = await client.predict(fixture.rows.slice(0, 300));
  const served = (answer.body.predictions ?? []).map(({ probability }) => probability);
  expect(served).toHaveLength(300);
  for (const [row, probability] of served.entries()) expect(probability).toBeCloseTo(offline[row] ?? Number.NaN, 6);
  await engine.close();
  await scorer.close();
});

test("under load, a new champion and a rollback are each served in under a second, and every answer is on record with the version that gave it", async () => {
  await fixture.addVersion(2, { l2: 1_000, waiting: true });
  await until("the candidate is loaded", async () => serving.loaded().includes("flight-delays.2"));
  const answers = new Map<string, string>();
  let going = true;
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    while (going) {
      const { status, body } = await client.predict(fixture.rows.slice(caller, caller + 3));
      expect(status).toBe(200);
      for (const { id } of body.predictions ?? []) answers.set(id, body.version ?? "");
    }
  });
  // Champion, rolled back, and so on: the middle of six counts, for other work may stop this machine for a moment.
  const tookMs: number[] = [];
  for (const version of [
    "flight-delays.2",
    "flight-delays.1",
    "flight-delays.2",
    "flight-delays.1",
    "flight-delays.2",
    "flight-delays.1",
  ]) {
    await fixture.moveSlot(version);
    tookMs.push(await untilServed(version));
  }
  going = false;
  await Promise.all(callers);
  expect(tookMs.toSorted((a, b) => a - b)[3]).toBeLessThan(1_000);
  const logged = await fixture.db.selectFrom("predictions").select(["id", "version_id", "epoch"]).execute();
  const byId = new Map(logged.map((row) => [row.id, row]));
  expect(new Set(answers.values())).toEqual(new Set(["flight-delays.1", "flight-delays.2"]));
  for (const [id, version] of answers) {
    expect(byId.get(id)?.version_id).toBe(version);
    expect((byId.get(id)?.epoch ?? 0) % 2 === 1 ? "flight-delays.1" : "flight-delays.2").toBe(version);
  }
});

test("a row whose epoch is behind is never obeyed", async () => {
  // What a restored backup or a wrong hand could write; the table itself refuses it by a trigger.
  await admin.transaction().execute(async (trx) => {
    const { sql } = await import("kysely");
    await sql`set local session_replication_role = replica`.execute(trx);
    await trx
      .updateTable("slots")
      .set({ epoch: 6, champion_version: "flight-delays.2", champion_approval: "apr_flight-delays.2" })
      .execute();
    await sql`select pg_notify('countersign_slot', 'flight-delays/production')`.execute(trx);
  });
  await serving.refresh();
  expect((await client.predict(firstRow())).body.version).toBe("flight-delays.1");
  await admin.transaction().execute(async (trx) => {
    const { sql } = await import("kysely");
    await sql`set local session_replication_role = replica`.execute(trx);
    await trx
      .updateTable("slots")
      .set({ epoch: 7, champion_version: "flight-delays.1", champion_approval: "apr_flight-delays.1" })
      .execute();
  });
});

test("/slots says what serves, since when and how old its lookups are, to those who may read the model", async () => {
  const ask = (token: string) => fetch(`${serving.origin}/slots`, { headers: { authorization: `Bearer ${token}` } });
  const seen = (await (await ask(fixture.tokens["olga"] ?? "")).json()) as { items: Record<string, unknown>[] };
  expect(seen.items).toHaveLength(1);
  expect(seen.items[0]).toMatchObject({
    model: fixtureModel,
    environment: "production",
    epoch: 7,
    version: "flight-delays.1",
    fault: null,
    lookups: [
      { name: "planes", rows: 3_322, asOf: null, ageSeconds: null },
      { name: "weather", rows: 26_115, asOf: "2013-12-30T23:00:00.000Z" },
    ],
  });
  expect(await (await ask(fixture.tokens["eve"] ?? "")).json()).toEqual({ items: [] });
  expect((await ask("nobody's")).status).toBe(401);
});

test("a version whose bytes are broken is refused, and the one before it goes on serving", async () => {
  await fixture.addVersion(3, { onnx: new TextEncoder().encode("this is no model") });
  await fixture.moveSlot("flight-delays.3");
  const health = await until("the refusal shows", async () => {
    const response = await fetch(`${serving.origin}/health/ready`);
    const body = (await response.json()) as { status: string; causes: string[] };
    return body.status === "degraded" && body.causes[0]?.includes("is refused") ? { code: response.status, ...body } : null;
  });
  expect(health.code).toBe(200);
  expect(health.causes[0]).toMatch(
    /^flight-delays\.3 is refused for flight-delays in production .* flight-delays\.1 goes on serving\.$/,
  );
  expect((await client.predict(firstRow())).body.version).toBe("flight-delays.1");
  await fixture.moveSlot("flight-delays.2");
  await untilServed("flight-delays.2");
  const after = (await (await fetch(`${serving.origin}/health/ready`)).json()) as { status: string };
  expect(after.status).toBe("up");
});

test("a version whose bytes were changed on disk is refused, and served when they are whole again", async () => {
  const { chmod, readFile, writeFile } = await import("node:fs/promises");
  const version = await fixture.addVersion(4, { l2: 50 });
  const manifest = fixture.manifests.get(version);
  if (manifest === undefined) throw new Error("The fixture has no version 4.");
  const path = await fixture.store.pathOf(manifest.onnx);
  const whole = await readFile(path);
  const damaged = Buffer.from(whole);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 40) ^ 1, damaged.length - 40);
  await chmod(path, 0o644);
  await writeFile(path, damaged);
  await fixture.moveSlot(version);
  await until("the refusal shows", async () => {
    const body = (await (await fetch(`${serving.origin}/health/ready`)).json()) as { causes: string[] };
    return body.causes.some((cause) => cause.includes("artifact-corrupt"));
  });
  expect((await client.predict(firstRow())).body.version).toBe("flight-delays.2");
  await writeFile(path, whole);
  await untilServed(version);
});
