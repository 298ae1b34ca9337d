import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { openBrowser } from "../console/browser.ts";
import { startSmallApp, type SmallApp } from "./small-app.ts";

let slack: SlackSandbox;
let app: SmallApp;
let browser: Browser;
let page: Page;
const complaints: string[] = [];
beforeAll(async () => {
  slack = await createSlackSandbox({ rateLimits: false });
  [app, browser] = await Promise.all([startSmallApp(slack), openBrowser()]);
  page = await browser.newPage({ viewport: { width: 1240, height: 900 } });
  page.on("pageerror", (error) => complaints.push(error.message));
});
afterEach(() => {
  app.onRequest(() => ({}));
  expect(complaints).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await app.close();
  await slack.close();
});

const text = (words: string) => ({ type: "plain_text" as const, text: words });
const visit = (query: string) => page.goto(`${slack.url}/?${query}`);

async function ask(words: string): Promise<string> {
  const elements = [{ type: "button" as const, action_id: "approve", text: text("Approve"), value: "g" }];
  const blocks = [
    { type: "section" as const, text: text(words) },
    { type: "actions" as const, block_id: "decide", elements },
  ];
  await app.client.chat.postMessage({ channel: slack.channels["ml-approvals"].id, text: words, blocks });
  return slack.messages("ml-approvals").at(-1)!.ts;
}

test("each button of faults puts its own fault in force, and the last takes all back", async () => {
  await visit("as=olga&in=log");
  const kinds: string[] = [];
  for (const name of [
    "Slack is down",
    "Slack is slow",
    "Too many requests",
    "Next answer is lost",
    "Clicks get lost",
    "Clicks come twice",
    "Token is revoked",
  ]) {
    const before = JSON.stringify(slack.activeFaults());
    await page.getByRole("button", { name }).click();
    const [fault] = await slack.until(() => JSON.stringify(slack.activeFaults()) !== before && slack.activeFaults());
    await page.locator("code", { hasText: `"kind":"${fault?.kind}"` }).waitFor();
    kinds.push(fault?.kind ?? "");
  }
  expect(kinds).toEqual([
    "outage",
    "slow",
    "rate-limited",
    "answer-lost",
    "delivery-dropped",
    "delivery-duplicated",
    "token-revoked",
  ]);
  await page.getByRole("button", { name: "All is well" }).click();
  await page.getByText("None.").waitFor();
  expect(slack.activeFaults()).toEqual([]);
});

test("a click that gets lost shows Slack's own error, and one that comes twice comes twice", async () => {
  const ts = await ask("Over a bad wire");
  await visit("as=grace&in=ml-approvals");
  const approve = page.locator(`[data-ts="${ts}"]`).getByRole("button", { name: "Approve" });
  const before = app.requests.length;
  slack.faults({ kind: "delivery-dropped", times: 1 });
  await approve.click();
  await page.getByRole("alert").waitFor();
  expect(app.requests.length).toBe(before);
  slack.faults({ kind: "delivery-duplicated", times: 1 });
  await approve.click();
  await slack.until(() => app.requests.length === before + 2);
});

test("one is anybody of the workspace who can sign in, and writes as that person", async () => {
  const names = ["ada", "ben", "grace", "george", "pia", "olga", "gus", "mallory"] as const;
  await visit("as=ada&in=general");
  const offered = await page
    .getByLabel("You are")
    .locator("option")
    .evaluateAll((options) => options.map((option) => option.getAttribute("value")));
  expect(offered).toEqual(expect.arrayContaining([...names]));
  for (const name of names) {
    await page.getByLabel("You are").selectOption(name);
    const box = page.getByRole("textbox", { name: /^Message/ });
    await box.fill(`${name} was here`);
    await page.locator("#composer").getByRole("button", { name: "Send" }).click();
    const said = await slack.until(() =>
      Object.values(slack.channels)
        .flatMap((channel) => slack.messages(channel.id))
        .find((one) => one.text === `${name} was here`),
    );
    expect(said.user).toBe(slack.users[name].id);
  }
});

test("a form is left by its cross and by its button, and what is chosen in it may go to the app at once", async () => {
  const options = ["now", "tonight"].map((value) => ({ text: text(value), value }));
  const select = { type: "static_select" as const, action_id: "when", placeholder: text("When"), options };
  const view = {
    type: "modal" as const,
    title: text("Live form"),
    submit: text("Send"),
    close: text("Not now"),
    blocks: [{ type: "actions" as const, block_id: "live", elements: [select] }],
  };
  await visit("as=olga&in=general");
  const dialog = page.getByRole("dialog", { name: "Live form" });
  for (const name of ["Close", "Not now"]) {
    const { triggerId } = await slack.command({ as: "olga", channel: "general", text: "x" });
    await app.client.apiCall("views.open", { trigger_id: triggerId, view });
    await dialog.getByLabel("When").selectOption("tonight");
    await slack.until(() => app.requests.at(-1)?.payload.actions?.[0]?.["action_id"] === "when");
    expect(app.requests.at(-1)?.payload).toMatchObject({
      container: { type: "view" },
      actions: [{ selected_option: { value: "tonight" } }],
    });
    await dialog.getByRole("button", { name, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    expect(slack.view("olga")).toBeNull();
  }
});

test("a thread is opened from a message without replies, written in, and closed again", async () => {
  const ts = await ask("No reply yet");
  await visit("as=ben&in=ml-approvals");
  await page.locator(`#main [data-ts="${ts}"]`).getByRole("button", { name: "Reply in thread" }).click();
  const thread = page.getByRole("complementary", { name: "Thread" });
  await thread.getByRole("textbox", { name: "Reply in thread" }).fill("The first");
  await thread.getByRole("button", { name: "Send" }).click();
  await slack.until(() => slack.thread("ml-approvals", ts).some((one) => one.text === "The first"));
  await thread.getByRole("button", { name: "Close thread" }).click();
  await thread.waitFor({ state: "hidden" });
  expect(await thread.isVisible()).toBe(false);
});

test("a message is found by its link, with its thread", async () => {
  const ts = await ask("Linked one");
  const channel = slack.channels["ml-approvals"].id;
  const { permalink } = await app.client.chat.getPermalink({ channel, message_ts: ts });
  await page.goto(String(permalink));
  await page.getByRole("complementary", { name: "Thread" }).getByText("Linked one").waitFor();
  expect(await page.getByRole("heading", { name: "#ml-approvals" }).count()).toBe(1);
});
