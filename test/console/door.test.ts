import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { createTestPrefix } from "../setup/temporal.ts";
import { apply, smallModel } from "../world/models.ts";
import { openStand } from "./stand.ts";
import type { Stand, Waiting } from "./stand.ts";

let stand: Stand;
/** A gate that no test decides. */
let still: Waiting;

beforeAll(async () => {
  stand = await openStand();
  still = await stand.waiting();
}, 180_000);
afterAll(async () => stand?.close());

describe("the door of the console", () => {
  async function session(who: string): Promise<string> {
    const answer = await fetch(`${stand.site.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: stand.site.url },
      body: new URLSearchParams({ principal: who }),
    });
    expect(answer.status).toBe(303);
    return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  }

  it("decides nothing by GET, whatever the address says", async () => {
    const { gate } = still;
    const cookie = await session("grace");
    for (const path of [
      `/gates/${gate.id}?decision=approve&digest=${gate.request.digest}`,
      `/gates/${gate.id}/decisions?decision=approve&digest=${gate.request.digest}`,
      `/gates/${gate.id}`,
    ]) {
      for (const method of ["GET", "HEAD"])
        await fetch(stand.site.url + path, { method, headers: { cookie, "sec-purpose": "prefetch" } });
    }
    const after = await stand.world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body).toMatchObject({ state: "open", decisions: [] });
  });

  it.each([
    ["another origin", { origin: "https://elsewhere.example" }],
    ["no origin at all", {}],
    ["a sandboxed frame", { origin: "null" }],
  ])("refuses a form from %s, even with all its secrets", async (_name, headers) => {
    const { gate } = still;
    const cookie = await session("grace");
    const markup = await (await fetch(`${stand.site.url}/gates/${gate.id}`, { headers: { cookie } })).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(markup)?.[1] ?? "";
    expect(csrf).not.toBe("");
    const body = new URLSearchParams({ csrf, key: "k", digest: gate.request.digest, decision: "approve" });
    const answer = await fetch(`${stand.site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, ...headers },
      body,
    });
    expect(answer.status).toBe(403);
    const json = await fetch(`${stand.site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, ...headers, "content-type": "application/json" },
      body: JSON.stringify(Object.fromEntries(body)),
    });
    expect(json.status).toBe(403);
    const stolen = await fetch(`${stand.site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, origin: stand.site.url },
      body: new URLSearchParams({ ...Object.fromEntries(body), csrf: "guessed" }),
    });
    expect(stolen.status).toBe(403);
    const after = await stand.world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body.decisions).toEqual([]);
  });

  it("answers with a strict policy for its content, and a cookie that scripts and other sites cannot use", async () => {
    const answer = await fetch(`${stand.site.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: stand.site.url },
      body: new URLSearchParams({ token: stand.site.tokens["grace"] ?? "" }),
    });
    expect(answer.headers.get("set-cookie")).toMatch(/^countersign_session=[^;]+; .*HttpOnly.*SameSite=Strict/);
    const page = await fetch(`${stand.site.url}/`, {
      headers: { cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" },
    });
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(await page.text()).toContain(`nonce="${nonce}"`);
  });

  it("sends strangers to the sign-in and back, never to another site", async () => {
    const away = await fetch(`${stand.site.url}/releases?state=blocked`, { redirect: "manual" });
    expect(away.headers.get("location")).toBe("/sign-in?next=%2Freleases%3Fstate%3Dblocked");
    for (const next of ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"]) {
      const answer = await fetch(`${stand.site.url}/sign-in`, {
        method: "POST",
        redirect: "manual",
        headers: { origin: stand.site.url },
        body: new URLSearchParams({ principal: "grace", next }),
      });
      expect(answer.headers.get("location")).toBe("/");
    }
    const wrong = await fetch(`${stand.site.url}/sign-in`, {
      method: "POST",
      headers: { origin: stand.site.url },
      body: new URLSearchParams({ token: "cst_wrong" }),
    });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("set-cookie")).toBeNull();
    expect((await fetch(`${stand.site.url}/live`)).status).toBe(401);
  });

  it("ends the session when somebody signs out", async () => {
    const cookie = await session("grace");
    const markup = await (await fetch(`${stand.site.url}/`, { headers: { cookie } })).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(markup)?.[1] ?? "";
    await fetch(`${stand.site.url}/sign-out`, {
      method: "POST",
      redirect: "manual",
      headers: { cookie, origin: stand.site.url },
      body: new URLSearchParams({ csrf }),
    });
    const after = await fetch(`${stand.site.url}/`, { redirect: "manual", headers: { cookie } });
    expect(after.headers.get("location")).toBe("/sign-in?next=%2F");
  });

  it("answers unknown ids, foreign ids and odd requests with a page, never with a 500", async () => {
    const cookie = await session("pia");
    const { gate, release, model } = still;
    for (const path of [
      "/gates/none.1.promotion.1",
      "/releases/none.1",
      "/releases/%00",
      "/models/none",
      "/versions/none.1",
      "/nowhere",
      `/gates/${gate.id}`,
      `/releases/${release}`,
      `/models/${model}`,
    ]) {
      const answer = await fetch(stand.site.url + path, { headers: { cookie } });
      expect(answer.status, path).toBe(404);
      expect(await answer.text()).toContain("<h1>Not found</h1>");
    }
    const large = await fetch(`${stand.site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, origin: stand.site.url },
      body: new URLSearchParams({ reason: "x".repeat(100_000) }),
    });
    expect(large.status).toBe(413);
  });

  it("escapes what people wrote", async () => {
    const model = createTestPrefix();
    await apply(
      stand.world,
      await smallModel(model, "low", (definition) => {
        definition.title = `<script>alert("x")</script> & more`;
      }),
    );
    const cookie = await session("ada");
    const markup = await (await fetch(`${stand.site.url}/models/${model}`, { headers: { cookie } })).text();
    expect(markup).not.toContain("<script>alert");
    expect(markup).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more");
    const releases = await stand.world.as("ada").get<{ items: ReleaseView[] }>("/api/releases");
    expect(releases.status).toBe(200);
  });
});
