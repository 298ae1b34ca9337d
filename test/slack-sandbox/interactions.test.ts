import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { errorOf } from "./refusals.ts";
import { startSmallApp, type SmallApp } from "./small-app.ts";

let slack: SlackSandbox;
let app: SmallApp;
let clock = 0;
beforeAll(async () => {
  slack = await createSlackSandbox({ rateLimits: false, now: () => Date.now() + clock, eventRetryDelaysMs: [0, 20, 40] });
  app = await startSmallApp(slack);
});
afterEach(() => {
  app.onRequest(() => ({}));
  slack.faults([]);
  clock = 0;
});
afterAll(async () => {
  await app.close();
  await slack.close();
});

const text = (words: string) => ({ type: "plain_text" as const, text: words });
const buttons = [
  { type: "section" as const, text: { type: "mrkdwn" as const, text: "Approve flights.12?" } },
  {
    type: "actions" as const,
    block_id: "decide",
    elements: [
      { type: "button" as const, action_id: "approve", text: text("Approve"), value: "gate-1", style: "primary" as const },
      { type: "static_select" as const, action_id: "more", options: [{ text: text("Escalate"), value: "escalate" }] },
    ],
  },
];

async function ask(channel = "ml-approvals"): Promise<string> {
  const { ts } = await app.client.chat.postMessage({ channel, text: "Approve?", blocks: buttons });
  return ts ?? "";
}
const approve = (ts: string, as = "grace", channel = "ml-approvals") => slack.click({ as, channel, ts, actionId: "approve" });
const last = () => app.requests.at(-1)!;

describe("a click", () => {
  test("is a signed request in Slack's shape", async () => {
    const ts = await ask();
    const outcome = await approve(ts);
    const { payload, headers, isVerified } = last();
    expect([outcome.ok, outcome.status, isVerified]).toEqual([true, 200, true]);
    expect(headers).toMatchObject({
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": expect.stringContaining("Slackbot"),
    });
    expect(headers).not.toHaveProperty("x-slack-retry-num");
    expect(payload).toMatchObject({
      type: "block_actions",
      api_app_id: slack.appId,
      team: { id: slack.teamId },
      user: { id: slack.users.grace.id, username: "grace", team_id: slack.teamId },
      container: { type: "message", message_ts: ts, channel_id: slack.channels["ml-approvals"].id, is_ephemeral: false },
      channel: { id: slack.channels["ml-approvals"].id, name: "ml-approvals" },
      message: { ts, bot_id: slack.botId, blocks: [{ type: "section" }, { type: "actions" }] },
      actions: [
        {
          type: "button",
          action_id: "approve",
          block_id: "decide",
          value: "gate-1",
          action_ts: outcome.actionTs,
          text: { text: "Approve" },
        },
      ],
    });
    expect(payload.message).not.toHaveProperty("metadata");
  });

  test("has an `action_ts` and a trigger of its own each time", async () => {
    const ts = await ask();
    const twice = await Promise.all([approve(ts), approve(ts)]);
    expect(new Set(twice.map(({ actionTs }) => actionTs)).size).toBe(2);
    expect(new Set(twice.map(({ triggerId }) => triggerId)).size).toBe(2);
  });

  test("on a menu says what was chosen", async () => {
    await slack.click({ as: "ada", channel: "ml-approvals", ts: await ask(), actionId: "more", selected: "escalate" });
    expect(last().payload.actions).toMatchObject([{ type: "static_select", selected_option: { value: "escalate" } }]);
    expect(last().payload.state.values).toMatchObject({ decide: { more: { selected_option: { value: "escalate" } } } });
  });

  test("of a stranger comes with his own workspace", async () => {
    await approve(await ask("partners"), "stan", "partners");
    const { user, team } = last().payload;
    expect(user).toMatchObject({ id: slack.users.stan.id, team_id: slack.users.stan.team_id });
    expect(team.id).toBe(slack.teamId);
  });

  test("is only for who is there and for what is there", async () => {
    const ts = await ask();
    await expect(approve(ts, "stan")).rejects.toThrow("stan is not in ml-approvals");
    await expect(slack.click({ as: "ada", channel: "ml-approvals", ts, actionId: "gone" })).rejects.toThrow(
      "no element with action_id gone",
    );
    await expect(approve("1.1")).rejects.toThrow("There is no message");
  });

  test("may be on a message as it was seen before it changed", async () => {
    const ts = await ask();
    const asSeen = structuredClone(slack.messages("ml-approvals").at(-1)!);
    await app.client.chat.update({ channel: slack.channels["ml-approvals"].id, ts, text: "Decided", blocks: [] });
    await expect(approve(ts)).rejects.toThrow("no element");
    const outcome = await slack.click({ as: "grace", channel: "ml-approvals", ts, actionId: "approve", asSeen });
    expect(outcome.ok).toBe(true);
  });

  test.each([
    ["answered with 503", { status: 503 }, "http_error"],
    ["answered with 202", { status: 202 }, "http_error"],
    ["answered after three seconds", { delayMs: 3_500 }, "timeout"],
  ])("%s shows Slack's own error and is not tried again", async (_what, answer, error) => {
    const ts = await ask();
    app.onRequest(() => answer);
    const before = app.requests.length;
    const outcome = await approve(ts);
    expect(outcome).toMatchObject({ ok: false, error });
    expect(slack.mark("grace", "ml-approvals", ts)).toEqual({ actionId: "approve", state: "failed" });
    expect(slack.mark("ada", "ml-approvals", ts)).toBeNull();
    expect(app.requests.length).toBe(before + 1);
    if (error === "timeout") expect(outcome.tookMs).toBeGreaterThan(2_950);
    app.onRequest(() => ({}));
    await approve(ts);
    expect(slack.mark("grace", "ml-approvals", ts)).toBeNull();
  });

  test("may be sent again, later, forged or changed", async () => {
    const { deliveryId } = await approve(await ask());
    await slack.replay(deliveryId);
    expect(last().isVerified).toBe(true);
    await slack.replay(deliveryId, { secret: "another" });
    expect(last().isVerified).toBe(false);
    await slack.replay(deliveryId, { body: "payload=%7B%22actions%22%3A%5B%5D%7D" });
    expect(last().isVerified).toBe(false);
    await slack.replay(deliveryId, { at: Date.now() - 10 * 60_000 });
    expect(last().isVerified).toBe(false);
  });
});

describe("an address for answers", () => {
  const answer = (body: object) => fetch(last().payload.response_url, { method: "POST", body: JSON.stringify(body) });

  test("takes five answers: private ones by default, to all on demand, instead of the message", async () => {
    const ts = await ask();
    await approve(ts, "pia");
    expect((await answer({ text: "only you" })).status).toBe(200);
    expect(slack.ephemerals("pia").at(-1)?.text).toBe("only you");
    await answer({ text: "all", response_type: "in_channel" });
    expect(slack.messages("ml-approvals").at(-1)?.text).toBe("all");
    await answer({ text: "Decided", replace_original: true });
    expect(slack.messages("ml-approvals").find((one) => one.ts === ts)).toMatchObject({ text: "Decided", blocks: null });
    expect((await answer({ text: "a", blocks: [{ type: "banner" }] })).status).toBe(400);
    await answer({ text: "four" });
    await answer({ text: "five" });
    const sixth = await answer({ text: "six" });
    expect([sixth.status, await sixth.json()]).toEqual([404, { ok: false, error: "used_url" }]);
  });

  test("is over after half an hour", async () => {
    await approve(await ask());
    clock = 30 * 60_000 + 1;
    expect(await (await answer({ text: "late" })).json()).toEqual({ ok: false, error: "expired_url" });
  });

  test("takes the message away", async () => {
    const ts = await ask();
    await approve(ts);
    await answer({ delete_original: true });
    expect(slack.messages("ml-approvals").some((one) => one.ts === ts)).toBe(false);
  });
});

describe("a command", () => {
  test("is a form, and its answer is private unless it says otherwise", async () => {
    app.onRequest(() => ({ body: JSON.stringify({ text: "Nothing waits for you.", blocks: buttons }) }));
    const outcome = await slack.command({ as: "grace", channel: "ml-approvals", text: "inbox" });
    expect(last().payload).toMatchObject({
      command: "/countersign",
      text: "inbox",
      user_id: slack.users.grace.id,
      channel_name: "ml-approvals",
    });
    expect(last().isVerified).toBe(true);
    expect(outcome.answer).toMatchObject({ text: "Nothing waits for you.", ephemeral_for: slack.users.grace.id });
    app.onRequest(() => ({ body: "plain words" }));
    expect((await slack.command({ as: "grace", channel: "risk", text: "" })).answer?.text).toBe("plain words");
    app.onRequest(() => ({ body: JSON.stringify({ response_type: "in_channel", text: "to all" }) }));
    await slack.command({ as: "grace", channel: "ml-approvals", text: "status" });
    expect(slack.messages("ml-approvals").at(-1)?.text).toBe("to all");
  });

  test("that fails tells Slack's own error", async () => {
    app.onRequest(() => ({ status: 500 }));
    await slack.command({ as: "ben", channel: "general", text: "help" });
    expect(slack.ephemerals("ben").at(-1)?.text).toBe('/countersign failed with the error "dispatch_failed"');
    app.onRequest(() => ({ body: JSON.stringify({ blocks: [{ type: "banner" }] }) }));
    await slack.command({ as: "ben", channel: "general", text: "help" });
    expect(slack.ephemerals("ben").at(-1)?.text).toContain("invalid_command_response");
    expect(slack.complaints().at(-1)).toContain("invalid_blocks");
  });

  test("can be answered with a form", async () => {
    const view = { type: "modal" as const, title: text("Release"), blocks: [] };
    app.onRequest(async ({ payload }) => {
      await app.client.views.open({ trigger_id: payload.trigger_id, view });
      return {};
    });
    await slack.command({ as: "ada", channel: "general", text: "release flights" });
    expect(slack.view("ada")?.view).toMatchObject({ title: { text: "Release" } });
    await slack.closeView({ as: "ada" });
    expect(slack.view("ada")).toBeNull();
  });
});

describe("a trigger", () => {
  const view = { type: "modal" as const, title: text("Form"), blocks: [] };

  test("opens one view and is gone after three seconds", async () => {
    const { triggerId } = await approve(await ask());
    await app.client.views.open({ trigger_id: triggerId ?? "", view });
    expect(await errorOf(app.client.views.open({ trigger_id: triggerId ?? "", view }))).toBe("exchanged_trigger_id");
    const { triggerId: late } = await approve(await ask());
    clock = 3_001;
    expect(await errorOf(app.client.views.open({ trigger_id: late ?? "", view }))).toBe("expired_trigger_id");
    expect(await errorOf(app.client.views.open({ trigger_id: "1.2.abc", view }))).toBe("invalid_trigger_id");
    await slack.closeView({ as: "grace" });
  });

  test("of a bad view is kept for a good one", async () => {
    const { triggerId } = await approve(await ask());
    const bad = { ...view, title: text("x".repeat(25)) };
    expect(await errorOf(app.client.views.open({ trigger_id: triggerId ?? "", view: bad }))).toBe("invalid_arguments");
    expect((await app.client.views.open({ trigger_id: triggerId ?? "", view })).ok).toBe(true);
    await slack.closeView({ as: "grace" });
  });
});
