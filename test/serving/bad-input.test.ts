import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServing, type Serving } from "../../serving/service.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { fixtureModel } from "./flights-artifacts.ts";
import { createFlightsFixture, type FlightsFixture } from "./flights-fixture.ts";
import { createServingClient } from "./serving-client.ts";

let database: TestDatabase;
let fixture: FlightsFixture;
let serving: Serving;
let client: ReturnType<typeof createServingClient>;
let row: Record<string, string | number>;
const lines: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = await createFlightsFixture({ url: database.url, rows: 1_000 });
  await fixture.addVersion(1);
  await fixture.moveSlot("flight-delays.1");
  serving = await startServing({
    databaseUrl: database.url,
    store: fixture.store,
    verifier: fixture.verifier,
    host: "127.0.0.1",
    port: 0,
    logger: pino({ level: "trace" }, { write: (line: string) => void lines.push(line) }),
  });
  client = createServingClient({ origin: serving.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel });
  row = fixture.rows[0] ?? {};
});

afterAll(async () => {
  await serving?.stop();
  await fixture?.close();
  await database?.drop();
});

const countLogged = async () =>
  Number(
    (
      await fixture.db
        .selectFrom("predictions")
        .select(({ fn }) => fn.countAll().as("n"))
        .executeTakeFirstOrThrow()
    ).n,
  );

test.each([
  ["a column of another type", { distance: "far" }, "distance", "must be a finite number"],
  ["a missing column", { carrier: undefined }, "carrier", "is missing"],
  ["a column that is not the model's", { dep_delay: 4 }, "dep_delay", "is no request column"],
  ["a time without sense", { time_hour: "2013-02-31T10:00:00Z" }, "time_hour", "must be a time"],
  ["a number in place of a text", { origin: 7 }, "origin", "must be text"],
  ["a list in place of a text", { origin: ["EWR"] }, "origin", "must be text"],
  ["a text with the character U+0000", { tailnum: "N1\0" }, "tailnum", "U+0000"],
  ["half of a surrogate pair", { tailnum: "N\ud800" }, "tailnum", "well-formed"],
  ["a text of a megabyte", { tailnum: "N".repeat(1_000_000) }, "tailnum", "10000 characters"],
])("%s is 422 and named with its row and column", async (_, change, column, words) => {
  const before = await countLogged();
  const { status, headers, body } = await client.predict([row, row, { ...row, ...change }]);
  expect(status).toBe(422);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({
    code: "invalid",
    status: 422,
    errors: [{ path: `instances[2].${column}`, message: expect.stringContaining(words) }],
  });
  expect(await countLogged()).toBe(before);
});

test("a number that JSON cannot keep is refused", async () => {
  const { status, body } = await client.post(
    `{"instances":[${JSON.stringify(row).replace(/"distance":\d+/, '"distance":1e999')}]}`,
  );
  expect(status).toBe(422);
  expect(body.errors?.[0]?.path).toBe("instances[0].distance");
});

test.each([
  ["no instances", { instances: [] }, "instances"],
  ["instances that are no list", { instances: { a: 1 } }, "instances"],
  ["an instance that is no object", { instances: [7] }, "instances[0]"],
  ["an instance that is null", { instances: [null] }, "instances[0]"],
  ["a member that is not known", { instances: [{}], rows: 1 }, "rows"],
  ["a key that is no text", { instances: [{}], key: 7 }, "key"],
  ["an empty key", { instances: [{}], key: "" }, "key"],
  ["a list in place of the body", [], "body"],
  ["null in place of the body", null, "body"],
])("%s is 422", async (_, body, path) => {
  const answer = await client.post(JSON.stringify(body));
  expect(answer.status).toBe(422);
  expect(answer.body.errors?.[0]?.path).toBe(path);
});

test("a thousand faults are told as twenty", async () => {
  const { body } = await client.predict(Array.from({ length: 500 }, () => ({ ...row, distance: "far", carrier: 1 })));
  expect(body.errors?.length).toBeLessThanOrEqual(20);
});

test("what is no JSON is 400, of another type 415, too many rows or bytes 413", async () => {
  expect((await client.post('{"instances": [')).status).toBe(400);
  expect((await client.post("")).status).toBe(400);
  expect((await client.post(JSON.stringify({ instances: [row] }), { headers: { "content-type": "text/plain" } })).status).toBe(
    415,
  );
  const rows = await client.predict(Array.from({ length: 1_001 }, () => row));
  expect(rows).toMatchObject({ status: 413, body: { code: "too-large" } });
  const bytes = await client.post(JSON.stringify({ instances: [{ ...row, tailnum: "N".repeat(5_000_000) }] }));
  expect(bytes).toMatchObject({ status: 413, body: { code: "too-large" } });
});

test("a body whose bytes are not UTF-8 is 400 and says so, and leaves no prediction", async () => {
  const before = await countLogged();
  const text = JSON.stringify({ instances: [{ ...row, tailnum: "N\u00fc" }] });
  const answer = await fetch(`${serving.origin}/api/models/${fixtureModel}/predictions`, {
    method: "POST",
    headers: { authorization: `Bearer ${fixture.tokens["ada"]}`, "content-type": "application/json" },
    body: Buffer.from(text, "latin1"),
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: "malformed-body", detail: expect.stringContaining("UTF-8") });
  expect(await countLogged()).toBe(before);
  expect((await client.post(text)).status).toBe(200);
});

test("no line of the log says a value of a request, be it answered or refused", async () => {
  const canary = "canary-4711";
  const asked = { ...row, tailnum: canary };
  const body = JSON.stringify({ instances: [asked] });
  const statuses = [
    await client.post(body),
    await client.predict([{ ...asked, distance: canary }]),
    await client.predict([{ ...asked, [canary]: 1 }]),
    await client.post(body.slice(0, -2)),
    await client.post(`{"instances": ${canary}}`),
    await client.post(JSON.stringify({ instances: canary })),
    await client.post(JSON.stringify({ instances: [asked], key: [canary] })),
    await client.post(body, { headers: { "content-type": "text/plain" } }),
    await client.predict(Array.from({ length: 1_001 }, () => asked)),
    await client.post(body, { headers: { authorization: "Bearer wrong" } }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([200, 422, 422, 400, 400, 422, 422, 415, 413, 401]);
  expect(lines.some((line) => line.includes("predictions are served"))).toBe(true);
  expect(lines.filter((line) => line.includes(canary))).toEqual([]);
});

test("a body without a length is held to the same limit", async () => {
  const chunk = new TextEncoder().encode(" ".repeat(1 << 20));
  let sent = 0;
  const body = new ReadableStream({ pull: (controller) => ((sent += 1) > 6 ? controller.close() : controller.enqueue(chunk)) });
  const response = await fetch(`${serving.origin}/api/models/${fixtureModel}/predictions`, {
    method: "POST",
    headers: { authorization: `Bearer ${fixture.tokens["ada"]}`, "content-type": "application/json" },
    body,
    duplex: "half",
  });
  expect(response.status).toBe(413);
});

test("without a valid token there is nothing, and what one may not read does not exist", async () => {
  const as = (token: string) => client.post(JSON.stringify({ instances: [row] }), { headers: { authorization: token } });
  expect((await as("Bearer wrong")).status).toBe(401);
  expect((await as("Basic YWRhOmFkYQ==")).status).toBe(401);
  expect((await as("")).status).toBe(401);
  const eve = await as(`Bearer ${fixture.tokens["eve"]}`);
  const nobodys = await client.post(JSON.stringify({ instances: [row] }), { model: "no-such-model" });
  expect([eve.status, nobodys.status]).toEqual([404, 404]);
  expect(eve.body.code).toBe(nobodys.body.code);
  expect((await client.post("{}", { model: "No%2FModel" })).status).toBe(404);
});

test("a token that was revoked is refused within seconds", async () => {
  const { createHash } = await import("node:crypto");
  const { until } = await import("./serving-client.ts");
  const hash = createHash("sha256").update("short-lived").digest("hex");
  await fixture.db
    .insertInto("tokens")
    .values({
      id: "tok_short",
      principal_id: "ada",
      kind: "api",
      hash,
      name: "short",
      created_by: "ada",
      expires_at: new Date(Date.now() + 60_000),
    })
    .execute();
  const ask = () => client.post(JSON.stringify({ instances: [row] }), { headers: { authorization: "Bearer short-lived" } });
  expect((await ask()).status).toBe(200);
  await fixture.db.updateTable("tokens").set({ revoked_at: new Date() }).where("id", "=", "tok_short").execute();
  await until("the token is refused", async () => (await ask()).status === 401, 7_000);
});

test("a token for something else is 403, one for predictions is good for them alone", async () => {
  const { createHash } = await import("node:crypto");
  for (const scope of ["decide", "predict"])
    await fixture.db
      .insertInto("tokens")
      .values({
        id: `tok_${scope}`,
        principal_id: "ada",
        kind: "api",
        hash: createHash("sha256").update(`only-${scope}`).digest("hex"),
        name: scope,
        scopes: [scope],
        created_by: "ada",
        expires_at: new Date(Date.now() + 60_000),
      })
      .execute();
  const headers = (scope: string) => ({ authorization: `Bearer only-${scope}` });
  const ask = (scope: string) => client.post(JSON.stringify({ instances: [row] }), { headers: headers(scope) });
  expect(await ask("decide")).toMatchObject({ status: 403, body: { code: "forbidden" } });
  expect((await ask("predict")).status).toBe(200);
  expect((await fetch(`${serving.origin}/slots`, { headers: headers("predict") })).status).toBe(403);
});

test("an environment without a slot is 409, one that is no name 422", async () => {
  const ask = (query: string) => client.post(JSON.stringify({ instances: [row] }), { query });
  expect(await ask("?environment=staging")).toMatchObject({ status: 409, body: { code: "no-champion" } });
  expect(await ask("?environment=Pro%20duction")).toMatchObject({ status: 422, body: { code: "invalid" } });
  expect((await ask("?environment=production")).status).toBe(200);
});

test("a request with a fault does not spoil those that came at the same time", async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, index) => client.predict([index % 2 === 0 ? row : { ...row, distance: "far" }])),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 200 : 422)));
});

test("a value that is not known is null, and gets a prediction", async () => {
  const { status, body } = await client.predict([Object.fromEntries(Object.keys(row).map((name) => [name, null]))]);
  expect(status).toBe(200);
  expect(body.predictions?.[0]?.probability).toBeGreaterThan(0);
});

test("an address that is nothing is 404 as a problem document", async () => {
  const response = await fetch(`${serving.origin}/api/nothing`);
  expect(response.status).toBe(404);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
});
