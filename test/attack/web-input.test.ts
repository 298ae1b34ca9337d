import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyExample, model } from "../records/passage.ts";
import { openFrontSite, type FrontSite } from "./site.ts";

/** Input that is malformed below the level of its schema: bytes that are no text, characters that no column keeps, bodies that say nothing. */
let site: FrontSite;
beforeAll(async () => {
  site = await openFrontSite();
  await applyExample(site.front.registry);
});
afterAll(() => site?.front.stop());

interface Told {
  code: string;
  detail: string;
  errors?: { path: string; message: string }[];
}
const told = async (answer: Response) => ({ status: answer.status, body: (await answer.json()) as Told });

describe("a NUL in an address", () => {
  test.each([
    "/api/models/%00",
    "/api/models/a%00b/versions",
    "/api/releases/%00",
    "/api/gates/x%00",
    "/api/versions/x%00",
    "/api/groups/x%00",
    "/api/principals/x%00",
    "/api/policies/x%00",
    "/api/commands/x%00",
    "/api/predictions/x%00",
  ])("%s is not found, and nothing of ours fails", async (path) => {
    const { status, body } = await told(await site.send(path, { headers: site.bearer("olga") }));
    expect([status, body.code]).toEqual([404, "not-found"]);
    expect(site.faults).toEqual([]);
  });

  test.each([
    ["/api/events?model=a%00b", "model"],
    ["/api/audit?actor=%00", "actor"],
    ["/api/audit?kind=x&subject=a%00", "subject"],
    ["/api/releases?model=%00", "model"],
    ["/api/gates?state=%00", "state"],
    ["/api/models?team=%00", "team"],
  ])("%s is told with the field's name", async (path, field) => {
    const { status, body } = await told(await site.send(path, { headers: site.bearer("olga") }));
    expect([status, body.code]).toEqual([422, "invalid"]);
    expect(body.errors).toEqual([{ path: field, message: "holds a NUL character" }]);
    expect(JSON.stringify(body)).not.toMatch(/encoding|UTF8|syntax/);
    expect(site.faults).toEqual([]);
  });

  test("a cursor with one in it is no cursor", async () => {
    const after = Buffer.from(JSON.stringify(["2026-01-01 00:00:00+00", "a\0b"])).toString("base64url");
    const { status, body } = await told(await site.send(`/api/releases?after=${after}`, { headers: site.bearer("olga") }));
    expect([status, body.errors?.[0]?.path]).toEqual([422, "after"]);
  });

  test("is no page of the console", async () => {
    const cookie = await site.signIn("olga");
    for (const path of ["/releases/%00", "/models/%00", "/audit?actor=%00", "/releases?model=%00", "/live?model=%00"]) {
      const answer = await site.send(path, { headers: { cookie } });
      expect(answer.status, path).toBe(404);
      expect(await answer.text()).toContain("<h1>Not found</h1>");
    }
    expect(site.faults).toEqual([]);
  });
});

describe("a body that is not UTF-8", () => {
  // "Ren\xe9" in Latin-1: read leniently it becomes "Ren\ufffd", as every other unreadable letter does.
  const latin = Buffer.from(JSON.stringify({ reason: "Ren#", members: [] }).replace("#", "\u00e9"), "latin1");
  test.each([
    ["POST", `/api/models/${model}/releases`],
    ["POST", `/api/models/${model}/rollback`],
    ["PUT", "/api/groups/platform"],
    ["PUT", "/api/principals/zoe"],
    ["POST", "/api/tokens"],
    ["POST", "/api/delegations"],
    ["PUT", "/api/people"],
    ["PUT", "/api/messages/me"],
    ["PUT", "/api/policies/mine"],
    ["PUT", `/api/models/${model}`],
  ])("is refused at %s %s as malformed", async (method, path) => {
    const { status, body } = await told(await site.send(path, site.json("olga", new Uint8Array(latin), method)));
    expect([status, body.code]).toEqual([400, "malformed-body"]);
    expect(body.detail).toContain("not UTF-8");
  });
});

describe("a PUT that says nothing", () => {
  test("makes nobody: somebody new needs a name and roles, each named where it is missing", async () => {
    for (const body of [{ kind: "person" }, { active: true }]) {
      const answer = await told(await site.send("/api/principals/zoe", site.json("olga", body, "PUT")));
      expect(answer.status).toBe(422);
      expect(answer.body.errors?.map(({ path }) => path)).toEqual(["displayName", "roles"]);
    }
    expect((await site.send("/api/principals/zoe", { headers: site.bearer("olga") })).status).toBe(404);
  });

  test.each([
    ["/api/principals/zoe", {}],
    ["/api/principals/grace", {}],
    ["/api/principals/grace", { reason: "for no change at all" }],
    ["/api/messages/teams/platform", {}],
    ["/api/messages/me", {}],
    ["/api/messages/people/grace", {}],
    ["/api/groups/platform", {}],
  ])("%s with %j is refused, and says what may be given", async (path, body) => {
    const answer = await told(await site.send(path, site.json("olga", body, "PUT")));
    expect(answer.status).toBe(422);
    expect(answer.body.detail).toMatch(/give displayName|give slack|direct|email|members/);
  });

  test("does not tell whoever may not change people that somebody is missing", async () => {
    const answer = await told(await site.send("/api/principals/zoe", site.json("ada", { active: true }, "PUT")));
    expect(answer.status).toBe(403);
  });
});

test("a principal has twenty event streams at most, on API and console together; one that ends makes room", async () => {
  const open: AbortController[] = [];
  const follow = async (who: string, path: string, headers: Record<string, string>) => {
    const ended = new AbortController();
    const answer = await site.send(path, { headers, signal: ended.signal });
    const reader = answer.body?.getReader();
    await reader?.read();
    if (answer.status === 200) open.push(ended);
    return { status: answer.status, who, reader, ended, answer };
  };
  const cookie = await site.signIn("grace");
  for (let n = 0; n < 19; n += 1) expect((await follow("grace", "/api/events", site.bearer("grace"))).status).toBe(200);
  const last = await follow("grace", "/live", { cookie });
  expect(last.status).toBe(200);
  const refused = await site.send("/api/events", { headers: site.bearer("grace") });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "10"]);
  expect(((await refused.json()) as Told).detail).toBe(
    "grace has 20 event streams open here, which is as many as one may have; end one first.",
  );
  expect((await site.send("/live", { headers: { cookie } })).status).toBe(429);
  expect((await follow("olga", "/api/events", site.bearer("olga"))).status).toBe(200);
  await last.reader?.cancel();
  await expect.poll(async () => (await follow("grace", "/api/events", site.bearer("grace"))).status).toBe(200);
  for (const ended of open) ended.abort();
}, 30_000);
