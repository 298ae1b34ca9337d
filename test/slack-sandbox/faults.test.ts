import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { errorOf } from "./refusals.ts";
import { clientOf, quiet, startSmallApp, type SmallApp } from "./small-app.ts";

let slack: SlackSandbox;
let app: SmallApp;
/** Time stands still unless a test lets it pass. */
let clock = Date.now();
beforeAll(async () => {
  slack = await createSlackSandbox({ now: () => clock });
  app = await startSmallApp(slack);
});
afterEach(() => slack.faults([]));
afterAll(async () => {
  await app.close();
  await slack.close();
});

const call = (method: string, fields: Record<string, string> = {}) =>
  fetch(`${slack.apiUrl}${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${slack.botToken}` },
    body: new URLSearchParams(fields),
  });
/** What came, as far as there was an answer; time passes so that no rate limit does. */
async function post(text: string): Promise<string> {
  clock += 60_000;
  try {
    const answer = await call("chat.postMessage", { channel: slack.channels.general.id, text });
    return `${answer.status} ${answer.ok ? ((await answer.json()) as { ok: boolean }).ok : ""}`.trim();
  } catch {
    return "no answer";
  }
}
const isThere = (text: string) => slack.messages("general").some((one) => one.text === text);

describe("the published rate limits", () => {
  test("let one message a second into a channel, whatever goes into others", async () => {
    clock += 60_000;
    const into = async (channel: "product" | "ml-alerts") =>
      call("chat.postMessage", { channel: slack.channels[channel].id, text: "a" });
    expect((await into("product")).status).toBe(200);
    const second = await into("product");
    expect([second.status, second.headers.get("retry-after"), await second.json()]).toEqual([
      429,
      "1",
      { ok: false, error: "ratelimited" },
    ]);
    expect((await into("ml-alerts")).status).toBe(200);
    clock += 1_000;
    expect((await into("product")).status).toBe(200);
  });

  test("let a method of the third tier be called fifty times a minute", async () => {
    clock += 60_000;
    const answers = await Promise.all(Array.from({ length: 52 }, () => call("bots.info")));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.length - refused.length).toBe(50);
    expect(refused.every((answer) => Number(answer.headers.get("retry-after")) >= 1)).toBe(true);
    expect((await call("auth.test")).status).toBe(200);
  });

  test("make Slack's client wait and come again", async () => {
    const quick = await createSlackSandbox({ rateLimits: { messagesPerSecondPerChannel: 1 } });
    const { WebClient } = (await import("@slack/bolt")).webApi;
    const client = new WebClient(quick.botToken, { slackApiUrl: quick.apiUrl, logger: quiet });
    await Promise.all(["one", "two"].map((text) => client.chat.postMessage({ channel: "general", text })));
    expect(quick.messages("general").length).toBe(2);
    expect(quick.calls().filter(({ error }) => error === "ratelimited").length).toBeGreaterThan(0);
    await quick.close();
  });
});

describe("a fault", () => {
  test("of an outage answers 503 and writes nothing", async () => {
    slack.faults({ kind: "outage", methods: ["chat.postMessage"], times: 2 });
    expect([await post("out 1"), await post("out 2"), await post("in")]).toEqual(["503", "503", "200 true"]);
    expect(["out 1", "out 2", "in"].map(isThere)).toEqual([false, false, true]);
  });

  test("of the network ends the connection before anything is written", async () => {
    slack.faults({ kind: "unreachable", times: 1 });
    expect(await post("unreached")).toBe("no answer");
    expect(isThere("unreached")).toBe(false);
    expect(slack.calls().at(-1)).toMatchObject({ method: "chat.postMessage", error: "unreachable" });
  });

  test("after the write leaves the message there and the caller without its answer", async () => {
    slack.faults({ kind: "answer-lost", times: 1 });
    expect(await post("lost answer")).toBe("no answer");
    expect(isThere("lost answer")).toBe(true);
    expect(await post("next")).toBe("200 true");
  });

  test("makes Slack slow", async () => {
    slack.faults({ kind: "slow", delayMs: 300, times: 1 });
    const startedAt = performance.now();
    expect(await post("slow")).toBe("200 true");
    expect(performance.now() - startedAt).toBeGreaterThan(290);
  });

  test("asks for patience", async () => {
    slack.faults({ kind: "rate-limited", retryAfterSeconds: 7, times: 1 });
    const answer = await call("auth.test");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "7"]);
  });

  test("gives any error that Slack has", async () => {
    slack.faults({ kind: "error", error: "internal_error", methods: ["users.info"] });
    expect(await errorOf(clientOf(slack).users.info({ user: slack.users.ada.id }))).toBe("internal_error");
    expect((await clientOf(slack).auth.test()).ok).toBe(true);
  });

  test("drops, delays or doubles a click", async () => {
    const { ts = "" } = await clientOf(slack).chat.postMessage({
      channel: "ml-approvals",
      text: "a",
      blocks: [{ type: "actions", elements: [{ type: "button", action_id: "go", text: { type: "plain_text", text: "Go" } }] }],
    });
    const click = () => slack.click({ as: "ada", channel: "ml-approvals", ts, actionId: "go" });
    slack.faults({ kind: "delivery-dropped", times: 1 });
    expect(await click()).toMatchObject({ ok: false, error: "timeout" });
    expect(app.requests.length).toBe(0);
    slack.faults({ kind: "delivery-delayed", delayMs: 200, times: 1 });
    const startedAt = performance.now();
    expect((await click()).ok).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(190);
    slack.faults({ kind: "delivery-duplicated", times: 1 });
    await click();
    await slack.until(() => app.requests.length === 3);
    const [, one, other] = app.requests;
    expect(one?.payload.actions[0]?.["action_ts"]).toBe(other?.payload.actions[0]?.["action_ts"]);
    expect(slack.deliveries().map(({ error }) => error)).toEqual(["timeout", null, null, null]);
  });

  test("revokes the token, archives a channel or deletes a message", async () => {
    const { ts = "" } = await clientOf(slack).chat.postMessage({ channel: "partners", text: "soon gone" });
    slack.faults([
      { kind: "token-revoked", times: 1 },
      { kind: "channel-archived", channel: "partners" },
      { kind: "message-deleted", channel: "partners", ts },
    ]);
    expect(await errorOf(clientOf(slack).auth.test())).toBe("token_revoked");
    clock += 1_000;
    expect(await errorOf(clientOf(slack).chat.postMessage({ channel: "partners", text: "a" }))).toBe("is_archived");
    slack.faults({ kind: "channel-archived", channel: "partners", archived: false });
    const channel = slack.channels.partners.id;
    expect(await errorOf(clientOf(slack).chat.update({ channel, ts, text: "a" }))).toBe("message_not_found");
  });

  test("is set and taken back over HTTP, and must be one", async () => {
    const at = `${slack.url}/sandbox/faults`;
    const set = (body: unknown, headers: Record<string, string> = {}) =>
      fetch(at, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });
    expect(await (await set([{ kind: "outage" }])).json()).toEqual([{ kind: "outage" }]);
    expect((await call("auth.test")).status).toBe(503);
    expect((await set({ kind: "earthquake" })).status).toBe(422);
    expect((await set({ kind: "outage" }, { origin: "https://elsewhere.example" })).status).toBe(403);
    expect(await (await fetch(at)).json()).toEqual([{ kind: "outage" }]);
    await fetch(at, { method: "DELETE" });
    expect((await call("auth.test")).status).toBe(200);
  });
});
