import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../api/app.ts";
import { createFront, told, type Front } from "../control/front.ts";
import { applyExample } from "../records/passage.ts";

let front: Front;
beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
});
afterAll(() => front?.stop());

const json = { "content-type": "application/json" };

describe("who asks", () => {
  test("without a token, with a wrong one or with another scheme nobody gets further than 401", async () => {
    for (const headers of [
      {},
      { authorization: "Bearer nonsense" },
      { authorization: "Basic YTpi" },
      { authorization: "Bearer" },
      { authorization: "" },
    ]) {
      const response = await front.raw("/api/models", { headers });
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
      expect(await told(response)).toMatchObject({
        status: 401,
        type: "application/problem+json",
        body: { code: "unauthenticated", status: 401 },
      });
    }
  });

  test("a revoked token and an expired one are worth nothing", async () => {
    await front.db.updateTable("tokens").set({ revoked_at: new Date() }).where("principal_id", "=", "pia").execute();
    await front.db
      .updateTable("tokens")
      .set({ expires_at: new Date(Date.now() - 1000) })
      .where("principal_id", "=", "ben")
      .execute();
    expect((await front.raw("/api/me", { as: "pia" })).status).toBe(401);
    expect((await front.raw("/api/me", { as: "ben" })).status).toBe(401);
    expect(await told(await front.raw("/api/me", { as: "grace" }))).toMatchObject({
      status: 200,
      body: { principal: "grace", groups: ["model-risk"], roles: ["viewer"] },
    });
  });

  test("a token that is scoped does what its scopes say and no more", async () => {
    await front.db
      .updateTable("tokens")
      .set({ scopes: ["read"] })
      .where("principal_id", "=", "george")
      .execute();
    expect((await front.raw("/api/models", { as: "george" })).status).toBe(200);
    const refused = await front.raw("/api/gates/flight-delays.1.promotion.1/decisions", {
      as: "george",
      method: "POST",
      headers: json,
      body: "{}",
    });
    expect(await told(refused)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  test("the health routes and the contract are open", async () => {
    for (const path of ["/api/health/live", "/api/openapi.json", "/api/docs"]) expect((await front.raw(path)).status).toBe(200);
  });

  test("a session may read, and may change something only from a page of this site", async () => {
    const caller = await front.control.authenticate(front.tokens["ada"] ?? "", "console");
    const { token } = await front.control.startSession(caller);
    const cookie = `countersign_session=${token}`;
    expect((await front.raw("/api/models", { headers: { cookie } })).status).toBe(200);
    const send = (origin: string) =>
      front.raw("/api/models/none/pause", { method: "POST", headers: { ...json, cookie, origin }, body: '{"reason":"a test"}' });
    expect(await told(await send("https://elsewhere.example"))).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await told(await send("http://127.0.0.1:4400"))).toMatchObject({ status: 404, body: { code: "not-found" } });
    await front.control.endSession(await front.control.resumeSession(token));
    expect((await front.raw("/api/models", { headers: { cookie } })).status).toBe(401);
  });
});

describe("what is asked", () => {
  test("an unknown path is 404, a known one under another method 405 with Allow", async () => {
    expect(await told(await front.raw("/api/nothing", { as: "ada" }))).toMatchObject({
      status: 404,
      body: { code: "not-found" },
    });
    expect(await told(await front.raw("/elsewhere"))).toMatchObject({ status: 404, type: "application/problem+json" });
    const response = await front.raw("/api/models/flight-delays", { as: "ada", method: "DELETE" });
    expect(response.headers.get("allow")).toBe("GET, PUT");
    expect(await told(response)).toMatchObject({ status: 405, body: { code: "method-not-allowed" } });
  });

  test("ids that nobody has, or that are none, are 404 on every route", async () => {
    const ids = [
      "nothing",
      "flight-delays.99",
      "../../etc/passwd",
      "%00",
      "a".repeat(300),
      "flight-delays.1.promotion.7",
      "';--",
    ].map(encodeURIComponent);
    for (const id of ids) {
      const places = [
        `models/${id}`,
        `models/${id}/monitoring`,
        `releases/${id}`,
        `releases/${id}/logs`,
        `gates/${id}`,
        `versions/${id}`,
        `predictions/${id}`,
        `commands/${id}`,
      ];
      for (const place of places)
        expect([place, (await front.raw(`/api/${place}`, { as: "olga" })).status]).toEqual([place, 404]);
    }
  });

  test("a command on what is not there is 404 as well, whatever its body", async () => {
    for (const path of [
      "models/none/rollback",
      "models/none/releases",
      "models/none/pause",
      "releases/none.1/unblock",
      "releases/none.1/withdraw",
      "gates/none.1.promotion.1/decisions",
    ]) {
      const response = await front.raw(`/api/${path}`, { as: "olga", method: "POST", headers: json, body: "{" });
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  test("a query that is out of bounds names its fault", async () => {
    for (const query of [
      "limit=0",
      "limit=201",
      "limit=many",
      "after=nonsense",
      `after=${Buffer.from("[1,2]").toString("base64url")}`,
    ]) {
      const answer = await told(await front.raw(`/api/models?${query}`, { as: "ada" }));
      expect([query, answer.status, answer.body["code"]]).toEqual([query, 422, "invalid"]);
      expect(answer.body["errors"]).toHaveLength(1);
    }
    expect((await front.raw("/api/audit?kind=made-up", { as: "olga" })).status).toBe(422);
  });
});

describe("bodies", () => {
  const path = "/api/models/flight-delays/releases";
  const send = (body: string, headers: Record<string, string> = json) =>
    front.raw(path, { as: "ada", method: "POST", headers, body });

  test("no JSON, half JSON and nothing are malformed", async () => {
    for (const body of ["nonsense", '{"reason":', ""]) {
      expect(await told(await send(body))).toMatchObject({
        status: 400,
        type: "application/problem+json",
        body: { code: "malformed-body" },
      });
    }
  });

  test("another content type is refused, and so is none", async () => {
    expect(await told(await send('{"reason":"x"}', { "content-type": "text/plain" }))).toMatchObject({
      status: 415,
      body: { code: "unsupported-type" },
    });
    expect(await told(await send("reason=x", { "content-type": "application/x-www-form-urlencoded" }))).toMatchObject({
      status: 415,
    });
    const definition = await front.raw("/api/models/flight-delays", {
      as: "ada",
      method: "PUT",
      headers: { "content-type": "text/csv" },
      body: "a,b",
    });
    expect(await told(definition)).toMatchObject({ status: 415 });
  });

  test("more than a mebibyte is too large", async () => {
    const body = JSON.stringify({ reason: "x".repeat(1024 * 1024) });
    expect(await told(await send(body))).toMatchObject({ status: 413, body: { code: "too-large" } });
  });

  test("wrong types, missing and unknown fields are told all at once, each with its path", async () => {
    const answer = await told(await send(JSON.stringify({ reson: "typo", parameters: { seed: "seven", until: "2013-13" } })));
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid" } });
    const errors = answer.body["errors"] as { path: string }[];
    expect(errors.map((error) => error.path).toSorted()).toEqual(["parameters.seed", "parameters.until", "reason", "reson"]);
    for (const body of ["[]", "null", "7", '"text"']) expect((await send(body)).status).toBe(422);
  });

  test("text that the database cannot hold is bad input, not a fault of ours", async () => {
    for (const reason of ["a \u0000 in it", "half \ud800 a pair"]) {
      expect(await told(await send(JSON.stringify({ reason })))).toMatchObject({ status: 422, body: { code: "invalid" } });
    }
  });

  test("a key that no header can be is refused", async () => {
    const answer = await send('{"reason":"a test"}', { ...json, "idempotency-key": "x".repeat(300) });
    expect(await told(answer)).toMatchObject({ status: 422, body: { code: "invalid" } });
  });

  test("a definition with faults tells all of them with line and column", async () => {
    const body = "model: flight-delays\ntitle: 7\ntier: middle\nowner: {team: nobody, person: ada}\n";
    const response = await front.raw("/api/models/flight-delays", {
      as: "ada",
      method: "PUT",
      headers: { "content-type": "application/yaml" },
      body,
    });
    const answer = await told(response);
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid" } });
    const errors = answer.body["errors"] as { path: string; line?: number; column?: number }[];
    expect(errors.find((error) => error.path === "tier")).toMatchObject({ line: 3 });
    expect(errors.length).toBeGreaterThan(3);
  });
});

describe("the instance", () => {
  test("a development instance answers under loopback names only", async () => {
    for (const host of ["127.0.0.1:4400", "localhost", "[::1]:4400"])
      expect((await front.raw("/api/health/live", { headers: { host } })).status).toBe(200);
    for (const host of ["evil.example", "127.0.0.1.evil.example:4400", ""]) {
      expect(await told(await front.raw("/api/health/live", { headers: { host } }))).toMatchObject({
        status: 403,
        body: { code: "forbidden" },
      });
    }
  });

  test("answers are not cached, not guessed at and not framed", async () => {
    const { headers } = await front.raw("/api/me", { as: "grace" });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });

  test("a principal over her rate is told when to come again, and others are not held up", async () => {
    const app = createApp({ control: front.control, rate: { burst: 3, perSecond: 1 } });
    const ask = (as: string) => app.request("/api/me", { headers: { authorization: `Bearer ${front.tokens[as]}` } });
    const statuses = [];
    for (let n = 0; n < 4; n++) statuses.push((await ask("ada")).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await ask("ada");
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await told(refused)).toMatchObject({ body: { code: "too-many-requests" } });
    expect((await ask("olga")).status).toBe(200);
  });

  test("a fault of ours tells an id that stands in the log, and nothing of the inside", async () => {
    const logged: Record<string, unknown>[] = [];
    const control = { ...front.control, models: () => Promise.reject(new Error("secret inner words")) };
    const app = createApp({ control, log: { error: (facts) => void logged.push(facts) } });
    const answer = await told(await app.request("/api/models", { headers: { authorization: `Bearer ${front.tokens["ada"]}` } }));
    expect(answer).toMatchObject({ status: 500, type: "application/problem+json", body: { code: "internal" } });
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|\bat \b.*:\d+/);
    expect(logged).toMatchObject([{ instance: answer.body["instance"] }]);
  });

  test("predictions without a prediction server are unavailable, not a fault", async () => {
    const response = await front.raw("/api/models/flight-delays/predictions", {
      as: "ada",
      method: "POST",
      headers: json,
      body: '{"instances":[{}]}',
    });
    expect(await told(response)).toMatchObject({ status: 503, body: { code: "unavailable" } });
  });

  test("readiness says for each part whether it is up; without workers it is not", async () => {
    const answer = await told(await front.raw("/api/health/ready"));
    expect(answer).toMatchObject({
      status: 503,
      body: {
        status: "unready",
        checks: { temporal: { up: true }, postgres: { up: true }, artifacts: { up: true }, workers: { up: false } },
      },
    });
  });
});
