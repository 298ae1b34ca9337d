import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { errorOf, refusal } from "./refusals.ts";
import { clientOf } from "./small-app.ts";

let slack: SlackSandbox;
beforeAll(async () => {
  slack = await createSlackSandbox({ rateLimits: false });
});
afterAll(() => slack.close());

const blocksOf = (words: string) => [{ type: "section", text: { type: "mrkdwn", text: words } }];

describe("a token", () => {
  test("tells who the app is", async () => {
    const who = await clientOf(slack).auth.test();
    expect(who).toMatchObject({ ok: true, team_id: slack.teamId, user_id: slack.botUserId, bot_id: slack.botId });
  });

  test.each([
    ["none", undefined, "not_authed"],
    ["a wrong one", "xoxb-wrong", "invalid_auth"],
  ])("is needed: %s", async (_what, token, error) => {
    expect(await errorOf(clientOf(slack, token ?? "").auth.test())).toBe(error);
  });

  test("of the app opens connections and does nothing else", async () => {
    const app = clientOf(slack, slack.appToken);
    expect(await errorOf(app.chat.postMessage({ channel: "general", text: "a" }))).toBe("not_allowed_token_type");
    expect(await errorOf(clientOf(slack).apps.connections.open({}))).toBe("not_allowed_token_type");
    expect((await app.apps.connections.open({})).url).toMatch(/^ws:/);
  });

  test("may be revoked", async () => {
    slack.revokeToken();
    expect(await errorOf(clientOf(slack).auth.test())).toBe("token_revoked");
    slack.revokeToken(false);
    expect((await clientOf(slack).auth.test()).ok).toBe(true);
  });

  test("needs the scopes of a method, and is told which", async () => {
    const { setScopes } = slack;
    setScopes(["commands"]);
    const told = await refusal(clientOf(slack).chat.postMessage({ channel: "general", text: "a" }));
    expect(told).toMatchObject({ error: "missing_scope", needed: "chat:write", provided: "commands" });
    setScopes(["chat:write", "channels:read", "groups:read", "users:read", "channels:history"]);
    expect(await errorOf(clientOf(slack).users.lookupByEmail({ email: "ada@example.com" }))).toBe("missing_scope");
    const { user } = await clientOf(slack).users.info({ user: slack.users.ada.id });
    expect(user?.profile?.email).toBeUndefined();
    setScopes([
      "chat:write",
      "channels:read",
      "channels:history",
      "groups:read",
      "groups:history",
      "users:read",
      "users:read.email",
      "im:write",
      "im:history",
      "files:write",
      "reactions:write",
      "channels:join",
    ]);
  });
});

describe("a message", () => {
  test("is kept with its metadata, and found by it", async () => {
    const client = clientOf(slack);
    const channel = slack.channels["ml-approvals"].id;
    const metadata = { event_type: "gate", event_payload: { gate: "flights.12/go-live" } };
    const { ts } = await client.chat.postMessage({ channel, text: "Approve?", blocks: blocksOf("*Approve?*"), metadata });
    const bare = await client.conversations.history({ channel });
    const whole = await client.conversations.history({ channel, include_all_metadata: true });
    expect(bare.messages?.find((one) => one.ts === ts)).toMatchObject({
      text: "Approve?",
      bot_id: slack.botId,
      app_id: slack.appId,
    });
    expect(bare.messages?.find((one) => one.ts === ts)?.metadata).toBeUndefined();
    expect(whole.messages?.find((one) => one.ts === ts)?.metadata).toEqual(metadata);
  });

  test("has a `ts` that no other has, in the order of posting", async () => {
    const client = clientOf(slack);
    const posted = await Promise.all(
      Array.from({ length: 50 }, (_none, index) =>
        client.chat.postMessage({ channel: slack.channels.product.id, text: `${index}` }),
      ),
    );
    const all = slack.messages("product").map(({ ts }) => ts);
    expect(new Set(posted.map(({ ts }) => ts)).size).toBe(50);
    expect(all).toEqual(all.toSorted((one, other) => Number(one) - Number(other)));
  });

  test("is refused with what is wrong with its blocks", async () => {
    const told = await refusal(clientOf(slack).chat.postMessage({ channel: "general", text: "a", blocks: [{ type: "banner" }] }));
    expect(told).toMatchObject({
      error: "invalid_blocks",
      errors: ["unsupported type [json-pointer:/blocks/0/type]"],
      response_metadata: { messages: ["[ERROR] unsupported type [json-pointer:/blocks/0/type]"] },
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["to nowhere", { channel: "C404", text: "a" }, "channel_not_found"],
    ["to a private channel without the app", { channel: "risk", text: "a" }, "channel_not_found"],
    ["to a channel without the app", { channel: "#random", text: "a" }, "not_in_channel"],
    ["to an archived channel", { channel: "old-models", text: "a" }, "is_archived"],
    ["of nothing", { channel: "general" }, "no_text"],
    ["of blocks that are no list", { channel: "general", text: "a", blocks: "{" }, "invalid_blocks_format"],
    ["of too much text", { channel: "general", text: "x".repeat(40_001) }, "msg_too_long"],
    ["with metadata that is none", { channel: "general", text: "a", metadata: { event: 1 } }, "invalid_metadata_format"],
    ["to a bot", { channel: "U07PERSON07", text: "a" }, "cannot_dm_bot"],
    ["without a channel", { text: "a" }, "invalid_arguments"],
  ])("%s is refused", async (_what, given, error) => {
    expect(await errorOf(clientOf(slack).apiCall("chat.postMessage", given))).toBe(error);
  });

  test("may be sent as JSON as well as in a form", async () => {
    const answer = await fetch(`${slack.apiUrl}chat.postMessage`, {
      method: "POST",
      headers: { authorization: `Bearer ${slack.botToken}`, "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify({ channel: slack.channels.general.id, text: "JSON", blocks: blocksOf("JSON") }),
    });
    expect(await answer.json()).toMatchObject({ ok: true, message: { text: "JSON" } });
    expect(answer.headers.get("x-oauth-scopes")).toContain("chat:write");
  });

  test("goes to a person by her id, in the one conversation with the app", async () => {
    const client = clientOf(slack);
    const { channel } = await client.chat.postMessage({ channel: slack.users.grace.id, text: "For you" });
    const opened = await client.conversations.open({ users: slack.users.grace.id });
    expect(opened.channel?.id).toBe(channel);
    expect(slack.direct("grace").map(({ text }) => text)).toEqual(["For you"]);
  });

  test("without text is a complaint: a notification would be empty", async () => {
    await clientOf(slack).apiCall("chat.postMessage", { channel: "general", blocks: blocksOf("a") });
    expect(slack.complaints().at(-1)).toContain("blocks without `text`");
  });

  test("with an argument that there is none of is a complaint", async () => {
    await clientOf(slack).apiCall("chat.postMessage", { channel: "general", text: "a", blocs: "[]" });
    expect(slack.complaints().at(-1)).toBe("chat.postMessage: no argument is named `blocs`");
  });

  test("is known by its link", async () => {
    const client = clientOf(slack);
    const { ts } = await client.chat.postMessage({ channel: slack.channels.general.id, text: "linked" });
    const { permalink } = await client.chat.getPermalink({ channel: slack.channels.general.id, message_ts: ts ?? "" });
    const page = await fetch(permalink ?? "");
    expect(await page.text()).toContain("linked");
    expect(await errorOf(client.chat.getPermalink({ channel: slack.channels.general.id, message_ts: "1.1" }))).toBe(
      "message_not_found",
    );
  });
});

describe("an edit", () => {
  const post = async (more: Record<string, unknown> = {}) => {
    const given = { channel: slack.channels.general.id, text: "old", blocks: blocksOf("old"), ...more };
    return (await clientOf(slack).apiCall("chat.postMessage", given)) as { ts?: string };
  };

  test("keeps what it does not name, and takes away what it names as empty", async () => {
    const metadata = { event_type: "gate", event_payload: {} };
    const { ts = "" } = await post({ metadata });
    const client = clientOf(slack);
    await client.chat.update({ channel: slack.channels.general.id, ts, text: "new" });
    const found = () => slack.messages("general").find((one) => one.ts === ts);
    expect(found()).toMatchObject({ text: "new", metadata, blocks: [{ text: { text: "old" } }] });
    await client.chat.update({ channel: slack.channels.general.id, ts, text: "new", blocks: [] });
    expect(found()).toMatchObject({ blocks: null, metadata });
    expect(found()?.edited).not.toBeNull();
  });

  test("is refused for what is not there, not the app's, or too long", async () => {
    const client = clientOf(slack);
    const channel = slack.channels.general.id;
    const said = await slack.say({ as: "ada", channel: "general", text: "mine" });
    expect(await errorOf(client.chat.update({ channel, ts: "1.1", text: "a" }))).toBe("message_not_found");
    expect(await errorOf(client.chat.update({ channel, ts: said.ts, text: "a" }))).toBe("cant_update_message");
    expect(await errorOf(client.chat.delete({ channel, ts: said.ts }))).toBe("cant_delete_message");
    const { ts = "" } = await post();
    expect(await errorOf(client.chat.update({ channel, ts, text: "x".repeat(4_001) }))).toBe("msg_too_long");
    slack.archive("general");
    expect(await errorOf(client.chat.update({ channel, ts, text: "a" }))).toBe("is_inactive");
    slack.archive("general", false);
  });

  test("of a deleted message finds none; one with a thread leaves a tombstone", async () => {
    const client = clientOf(slack);
    const channel = slack.channels.general.id;
    const { ts = "" } = await post();
    slack.deleteMessage("general", ts);
    expect(await errorOf(client.chat.update({ channel, ts, text: "a" }))).toBe("message_not_found");
    const { ts: root = "" } = await post();
    await client.chat.postMessage({ channel, thread_ts: root, text: "reply" });
    await client.chat.delete({ channel, ts: root });
    expect(slack.thread("general", root).map(({ tombstone }) => tombstone)).toEqual([true, false]);
    expect(await errorOf(client.chat.delete({ channel, ts: root }))).toBe("message_not_found");
  });
});

describe("a thread", () => {
  test("is read from its first message on", async () => {
    const client = clientOf(slack);
    const channel = slack.channels.general.id;
    const { ts = "" } = await client.chat.postMessage({ channel, text: "root" });
    await client.chat.postMessage({ channel, thread_ts: ts, text: "one" });
    await client.chat.postMessage({ channel, thread_ts: ts, text: "two" });
    const { messages } = await client.conversations.replies({ channel, ts });
    expect(messages?.map(({ text }) => text)).toEqual(["root", "one", "two"]);
    expect(messages?.[0]).toMatchObject({ reply_count: 2, thread_ts: ts });
    const { messages: first, has_more: more } = await client.conversations.replies({ channel, ts, limit: 1 });
    expect([first?.length, more]).toEqual([1, true]);
    expect(await errorOf(client.conversations.replies({ channel, ts: "1.1" }))).toBe("thread_not_found");
  });

  test("whose first message is gone becomes a message of the channel, silently", async () => {
    const client = clientOf(slack);
    const channel = slack.channels.general.id;
    const { ts = "" } = await client.chat.postMessage({ channel, text: "root" });
    slack.deleteMessage("general", ts);
    const answer = await client.chat.postMessage({ channel, thread_ts: ts, text: "reply" });
    expect(answer.message).not.toHaveProperty("thread_ts");
    expect(slack.messages("general").at(-1)?.text).toBe("reply");
  });
});

describe("a private answer", () => {
  test("is seen by one person, and in no history", async () => {
    const client = clientOf(slack);
    const channel = slack.channels.general.id;
    const { message_ts: ts = "" } = await client.chat.postEphemeral({ channel, user: slack.users.pia.id, text: "psst" });
    expect(slack.ephemerals("pia").map(({ text }) => text)).toEqual(["psst"]);
    expect(slack.ephemerals("ada")).toEqual([]);
    const { messages } = await client.conversations.history({ channel });
    expect(messages?.some((one) => one.ts === ts)).toBe(false);
    expect(await errorOf(client.chat.update({ channel, ts, text: "a" }))).toBe("message_not_found");
    expect(await errorOf(client.chat.postEphemeral({ channel, user: slack.users.stan.id, text: "a" }))).toBe(
      "user_not_in_channel",
    );
  });
});
