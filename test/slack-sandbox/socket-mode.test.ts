import { App } from "@slack/bolt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { clientOf, quiet } from "./small-app.ts";

/** Slack's own framework on the sandbox, with nothing of ours between. */
let slack: SlackSandbox;
let bolt: App;
const clicked: string[] = [];
beforeAll(async () => {
  slack = await createSlackSandbox({ rateLimits: false });
  bolt = new App({
    token: slack.botToken,
    appToken: slack.appToken,
    socketMode: true,
    tokenVerificationEnabled: false,
    clientOptions: { slackApiUrl: slack.apiUrl },
    logger: quiet,
  });
  bolt.action("approve", async ({ ack, body, client }) => {
    await ack();
    if (body.type !== "block_actions") return;
    clicked.push(body.user.id);
    const view = { type: "modal" as const, title: { type: "plain_text" as const, text: "Why?" }, blocks: [] };
    await client.views.open({ trigger_id: body.trigger_id, view });
  });
  bolt.action("silent", () => Promise.resolve());
  bolt.command("/countersign", async ({ ack, command }) => ack({ text: `You said ${command.text}` }));
  bolt.event("app_home_opened", async ({ event, client }) => {
    await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [{ type: "divider" }] } });
  });
  await bolt.start();
});
afterAll(async () => {
  await bolt.stop();
  await slack.close();
});

async function ask(actionId: string): Promise<string> {
  const elements = [{ type: "button" as const, action_id: actionId, text: { type: "plain_text" as const, text: "Go" } }];
  const { ts = "" } = await clientOf(slack).chat.postMessage({
    channel: "general",
    text: "a",
    blocks: [{ type: "actions", elements }],
  });
  return ts;
}

describe("Bolt over Socket Mode", () => {
  test("gets clicks and opens a form", async () => {
    const outcome = await slack.click({ as: "grace", channel: "general", ts: await ask("approve"), actionId: "approve" });
    expect(outcome).toMatchObject({ ok: true, error: null });
    expect(clicked).toEqual([slack.users.grace.id]);
    expect((await slack.until(() => slack.view("grace"))).view).toMatchObject({ title: { text: "Why?" } });
    expect(slack.deliveries().at(-1)?.over).toBe("socket");
  });

  test("answers a command within its acknowledgement", async () => {
    const { answer } = await slack.command({ as: "ada", channel: "general", text: "inbox" });
    expect(answer?.text).toBe("You said inbox");
  });

  test("publishes the home tab", async () => {
    await slack.openHome({ as: "pia" });
    expect((await slack.until(() => slack.home("pia"))).view.blocks).toHaveLength(1);
  });

  test("that does not acknowledge shows the person Slack's error", async () => {
    const outcome = await slack.click({ as: "ben", channel: "general", ts: await ask("silent"), actionId: "silent" });
    expect(outcome).toMatchObject({ ok: false, error: "timeout" });
  });

  test("comes back when Slack renews the connection", async () => {
    const before = slack.calls().filter(({ method }) => method === "apps.connections.open").length;
    slack.disconnectSockets();
    await slack.until(
      () => slack.calls().filter(({ method, ok }) => method === "apps.connections.open" && ok).length > before,
      10_000,
    );
    const ts = await ask("approve");
    const works = async (): Promise<boolean> =>
      (await slack.click({ as: "olga", channel: "general", ts, actionId: "approve" })).ok;
    await expect.poll(works, { timeout: 10_000 }).toBe(true);
  });

  test("takes a ticket for a connection once", async () => {
    const { url = "" } = await clientOf(slack, slack.appToken).apps.connections.open({});
    const opened = await new Promise<string>((resolve) => {
      const socket = new WebSocket(url);
      socket.addEventListener("message", ({ data }) => {
        resolve(String(data));
        socket.close();
      });
    });
    expect(JSON.parse(opened)).toMatchObject({ type: "hello", connection_info: { app_id: slack.appId } });
    const again = await new Promise<string>((resolve) => {
      const socket = new WebSocket(url);
      socket.addEventListener("open", () => resolve("open"));
      socket.addEventListener("error", () => resolve("refused"));
    });
    expect(again).toBe("refused");
  });
});
