import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyExample, decision, model, waitAtGate } from "../records/passage.ts";
import { openFrontSite, origin, type FrontSite } from "./site.ts";

/** Who is who, and for how long: cookies, other sites' pages, tokens that end, and one human behind several names. */
let site: FrontSite;
beforeAll(async () => {
  site = await openFrontSite();
  await applyExample(site.front.registry);
});
afterAll(() => site?.front.stop());

const isSignedIn = async (cookie: string) => (await site.send("/", { headers: { cookie } })).status === 200;
const csrfOf = async (cookie: string) =>
  /name="csrf" value="([^"]+)"/.exec(await (await site.send("/me", { headers: { cookie } })).text())?.[1] ?? "";

describe("a session", () => {
  test("is a new one at each sign-in, whatever cookie the browser came with", async () => {
    const planted = `countersign_session=${"A".repeat(43)}`;
    const [first, second] = [await site.signIn("grace", planted), await site.signIn("grace", planted)];
    expect(new Set([planted, first, second]).size).toBe(3);
    expect(await isSignedIn(planted)).toBe(false);
    // Signing in as somebody else gives another session too, and the first goes on being hers alone.
    const other = await site.signIn("ada", first);
    expect(other).not.toBe(first);
    expect(await isSignedIn(first)).toBe(true);
  });

  test("ends on the server when she signs out: the cookie that somebody kept opens nothing", async () => {
    const [cookie, elsewhere] = [await site.signIn("grace"), await site.signIn("grace")];
    const csrf = await csrfOf(cookie);
    expect(csrf).not.toBe("");
    await site.send("/sign-out", { method: "POST", headers: { cookie, origin }, body: new URLSearchParams({ csrf }) });
    expect(await isSignedIn(cookie)).toBe(false);
    const api = await site.send("/api/me", { headers: { cookie } });
    expect(api.status).toBe(401);
    // The session on her other machine is another one.
    expect(await isSignedIn(elsewhere)).toBe(true);
  });

  test("all of a person's sessions can be ended by her, each by its id, and end together when she leaves", async () => {
    const cookies = [await site.signIn("pia"), await site.signIn("pia")];
    const list = (await (await site.send("/api/tokens", { headers: site.bearer("pia") })).json()) as {
      items: { id: string; kind: string; revokedAt: string | null }[];
    };
    const [one] = list.items.filter(({ kind, revokedAt }) => kind === "session" && revokedAt === null);
    const revoked = await site.send(`/api/tokens/${one?.id}/revoke`, site.json("pia", { reason: "a lost laptop" }));
    expect(revoked.status).toBe(200);
    expect((await Promise.all(cookies.map(isSignedIn))).filter(Boolean)).toHaveLength(1);
    const left = await site.send("/api/principals/pia/deactivate", site.json("olga", { reason: "her last day" }));
    expect(left.status).toBe(200);
    expect(await Promise.all(cookies.map(isSignedIn))).toEqual([false, false]);
    expect((await site.send("/api/me", { headers: site.bearer("pia") })).status).toBe(401);
  });

  test("is no bearer token, and a token is no session", async () => {
    const cookie = await site.signIn("grace");
    const secret = cookie.split("=")[1] ?? "";
    expect((await site.send("/api/me", { headers: { authorization: `Bearer ${secret}` } })).status).toBe(401);
    expect(await isSignedIn(`countersign_session=${site.front.tokens["grace"]}`)).toBe(false);
  });
});

describe("another site's page", () => {
  const body = JSON.stringify({ reason: "sent by another site" });
  test.each([
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["JSON as text", { "content-type": "text/plain" }],
    ["JSON", { "content-type": "application/json" }],
  ])("cannot send %s with her cookie: by origin, without one, or from a frame of no origin", async (_, type) => {
    const cookie = await site.signIn("olga");
    for (const from of [{ origin: "https://elsewhere.example" }, {}, { origin: "null" }, { origin: "http://127.0.0.1:9999" }])
      for (const path of [`/api/models/${model}/pause`, "/sign-out", `/models/${model}/pause`]) {
        const answer = await site.send(path, { method: "POST", headers: { cookie, ...type, ...from }, body });
        expect(answer.status, `${path} ${JSON.stringify(from)}`).toBe(403);
      }
    expect(await isSignedIn(cookie)).toBe(true);
    const state = (await (await site.send(`/api/models/${model}`, { headers: site.bearer("olga") })).json()) as { state: string };
    expect(state.state).toBe("active");
  });

  test("is sent no cookie at all by a browser: it is Strict and of no script's reach", async () => {
    const answer = await site.send("/sign-in", {
      method: "POST",
      headers: { origin },
      body: new URLSearchParams({ principal: "grace" }),
    });
    expect(answer.headers.get("set-cookie")).toMatch(/; Path=\/.*HttpOnly.*SameSite=Strict/);
    // Nor may a page elsewhere read an answer: nothing allows another origin.
    const read = await site.send("/api/models", { headers: { ...site.bearer("grace"), origin: "https://elsewhere.example" } });
    expect(read.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a token that has ended", () => {
  async function token(change: object): Promise<{ id: string; token: string }> {
    const sent = { name: "for a test", expiresAt: new Date(Date.now() + 3_600_000).toISOString(), ...change };
    const made = await site.send("/api/tokens", site.json("ada", sent));
    expect(made.status).toBe(201);
    return (await made.json()) as { id: string; token: string };
  }
  const ask = (token: string) => site.send("/api/me", { headers: { authorization: `Bearer ${token}` } });

  test("opens nothing any more, neither API nor a new session, and its event stream ends", async () => {
    const { id, token: secret } = await token({});
    const stream = await site.send("/api/events", { headers: { authorization: `Bearer ${secret}` } });
    const reader = stream.body?.getReader();
    await reader?.read();
    expect((await ask(secret)).status).toBe(200);
    expect((await site.send(`/api/tokens/${id}/revoke`, site.json("ada", { reason: "it was shown" }))).status).toBe(200);
    expect((await ask(secret)).status).toBe(401);
    const session = await site.send("/sign-in", {
      method: "POST",
      headers: { origin },
      body: new URLSearchParams({ token: secret }),
    });
    expect(session.headers.get("set-cookie")).toBeNull();
    // Without a notice the stream looks every two seconds whether its reader is still who she was.
    for (;;) if ((await reader?.read())?.done !== false) break;
  }, 20_000);

  test("by its time", async () => {
    const { id, token: secret } = await token({});
    await site.front.adminDb
      .updateTable("tokens")
      .set({ expires_at: new Date(Date.now() - 1) })
      .where("id", "=", id)
      .execute();
    expect((await ask(secret)).status).toBe(401);
  });
});

describe("one human behind several names", () => {
  test("two Slack accounts of one principal are one voice, and so are her console and her token", async () => {
    const at = await waitAtGate(site.front.registry, 1);
    await site.front.db
      .insertInto("slack_users")
      .values(["U1", "U2"].map((user) => ({ team_id: "T1", user_id: user, principal_id: "grace", how: "link" as const })))
      .execute();
    const linked = await site.front.db.selectFrom("slack_users").select("principal_id").where("team_id", "=", "T1").execute();
    expect(new Set(linked.map((row) => row.principal_id))).toEqual(new Set(["grace"]));
    // Whatever surface and account she uses, her decision is hers: the second one finds her place taken.
    const vote = (surface: "slack" | "console", decision: "approve" | "reject") =>
      site.front.registry.sign(
        "grace",
        {
          kind: "decide",
          gate: at.gate,
          decision,
          digest: at.digest,
          seen: null,
          reason: "because",
          returnTo: null,
          parameters: {},
          inputs: {},
        },
        { surface },
      );
    await site.front.records.closeGate({ gate: at.gate, commands: [vote("slack", "approve"), vote("console", "approve")] });
    const counted = await site.front.db
      .selectFrom("decisions")
      .select("principal_id")
      .where("gate_id", "=", at.gate)
      .where("counted", "=", true)
      .execute();
    expect(counted).toEqual([{ principal_id: "grace" }]);
  });

  test("a delegation is not passed on, and two that go in a circle give nobody a voice that she had not", async () => {
    const { registry, db, records } = site.front;
    const until = new Date(Date.now() + 86_400_000);
    const give = (from: string, to: string) =>
      db
        .insertInto("delegations")
        .values({
          id: `dlg_${from}_${to}`,
          from_principal: from,
          to_principal: to,
          model: null,
          reason: "away",
          until,
          created_by: from,
        })
        .execute();
    // olga has a voice in grace's name; what olga gives to ben, and ben back to her, is no voice of model-risk.
    await give("grace", "olga");
    await give("olga", "ben");
    await give("ben", "olga");
    await give("ben", "grace");
    await registry.records.endRelease({ release: `${model}.1`, outcome: "withdrawn", next: null, summary: "Enough." });
    const at = await waitAtGate(registry, 2);
    await records.closeGate({ gate: at.gate, commands: [decision(registry, at, "ben")] });
    const row = () => db.selectFrom("gates").select("state").where("id", "=", at.gate).executeTakeFirstOrThrow();
    expect((await row()).state).toBe("open");
    const refused = await db.selectFrom("decisions").select(["counted", "why_not"]).where("gate_id", "=", at.gate).execute();
    expect(refused).toEqual([{ counted: false, why_not: expect.stringMatching(/model-risk/) }]);
    await records.closeGate({ gate: at.gate, commands: [decision(registry, at, "olga")] });
    const counted = await db
      .selectFrom("decisions")
      .select(["principal_id", "on_behalf_of"])
      .where("gate_id", "=", at.gate)
      .where("counted", "=", true)
      .execute();
    expect(counted).toEqual([{ principal_id: "olga", on_behalf_of: "grace" }]);
  });
});
