import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
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
  app = await startSmallApp(slack);
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1240, height: 900 } });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
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
const alert = () => page.getByRole("alert");

async function ask(words: string, more: object = {}): Promise<string> {
  await app.client.apiCall("chat.postMessage", {
    channel: slack.channels["ml-approvals"].id,
    text: words,
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: words } },
      {
        type: "actions",
        block_id: "decide",
        elements: [
          { type: "button", action_id: "approve", text: text("Approve"), value: "g", ...more },
          {
            type: "static_select",
            action_id: "more",
            placeholder: text("More"),
            options: [{ text: text("Escalate"), value: "e" }],
          },
        ],
      },
    ],
  });
  return slack.messages("ml-approvals").at(-1)!.ts;
}

const field = (id: string, label: string, element: object) => ({
  type: "input",
  block_id: id,
  label: text(label),
  element: { action_id: "v", ...element },
});
const options = ["now", "tonight"].map((value) => ({ text: text(value), value }));
const form = {
  type: "modal",
  title: text("Approve flights.12"),
  submit: text("Send"),
  blocks: [
    field("share", "Share", { type: "number_input", is_decimal_allowed: false, max_value: "50" }),
    field("when", "When", { type: "radio_buttons", options }),
    field("checks", "Checks", { type: "checkboxes", options: [{ text: text("Read the report"), value: "read" }] }),
    field("group", "Group", { type: "static_select", options }),
    field("from", "From", { type: "datepicker", initial_date: "2026-03-02" }),
    field("reason", "Reason", { type: "plain_text_input", multiline: true }),
  ],
};

describe("a message", () => {
  test("is shown as Slack shows it, in the reader's zone, and nothing of its text is markup", async () => {
    const seconds = Date.parse("2026-03-02T09:30:00Z") / 1_000;
    const words = [
      `*bold* _slanted_ ~gone~ \`code\` &lt;b&gt;no tag&lt;/b&gt; by <@${slack.users.ada.id}>`,
      `until <!date^${seconds}^{date_short} at {time}|x>, see <https://example.com/a?b=1|the review>`,
      "<script>alert(1)</script><img src=x onerror=alert(2)>",
    ].join("\n");
    await ask(words);
    await visit("as=pia&in=ml-approvals");
    const message = page.getByRole("article").filter({ hasText: "no tag" });
    expect(await message.locator("strong", { hasText: "bold" }).count()).toBe(1);
    const shown = await message.innerText();
    for (const part of ["<b>no tag</b>", "@Ada", "until Mar 2, 2026 at 18:30", "<script>"]) expect(shown).toContain(part);
    expect(await message.getByRole("link", { name: "the review" }).getAttribute("href")).toBe("https://example.com/a?b=1");
    await page.getByLabel("Time zone").selectOption("UTC");
    await message.getByText("until Mar 2, 2026 at 09:30").waitFor();
  });

  test("comes while one looks, counts as unread elsewhere, and changes when the app changes it", async () => {
    await visit("as=ben&in=product");
    const ts = await ask("Live one");
    const link = page.getByRole("navigation", { name: "Channels" }).getByRole("link", { name: /ml-approvals/ });
    await link.getByText(/^\d+$/).waitFor();
    await link.click();
    const message = page.getByRole("article").filter({ hasText: "Live one" });
    await message.waitFor();
    await link.getByText(/^\d+$/).waitFor({ state: "detached" });
    await app.client.chat.update({ channel: slack.channels["ml-approvals"].id, ts, text: "Approved by Ben", blocks: [] });
    await page.getByText("Approved by Ben").waitFor();
    expect(await message.getByRole("button", { name: "Approve" }).count()).toBe(0);
  });

  test("has a thread, in which one can answer", async () => {
    const ts = await ask("With a thread");
    await app.client.chat.postMessage({ channel: slack.channels["ml-approvals"].id, thread_ts: ts, text: "A reminder" });
    await visit("as=ada&in=ml-approvals");
    await page.getByRole("article").filter({ hasText: "With a thread" }).getByRole("button", { name: "1 reply" }).click();
    const thread = page.getByRole("complementary", { name: "Thread" });
    await thread.getByText("A reminder").waitFor();
    await thread.getByRole("textbox", { name: "Reply in thread" }).fill("I see to it");
    await thread.getByRole("button", { name: "Send" }).click();
    await thread.getByText("I see to it").waitFor();
    expect(slack.thread("ml-approvals", ts).map((one) => one.text)).toEqual(["With a thread", "A reminder", "I see to it"]);
  });

  test("for one person is seen by her alone", async () => {
    await app.client.chat.postEphemeral({
      channel: slack.channels["ml-approvals"].id,
      user: slack.users.grace.id,
      text: "Only Grace",
    });
    await visit("as=grace&in=ml-approvals");
    await page
      .getByRole("article", { name: /^Only visible to you/ })
      .filter({ hasText: "Only Grace" })
      .waitFor();
    await page.getByLabel("You are").selectOption("george");
    await page.getByRole("article").first().waitFor();
    await page.getByText("Only Grace").waitFor({ state: "detached" });
    expect(await page.getByRole("article", { name: /^Only visible to you/ }).count()).toBe(0);
  });
});

describe("a click", () => {
  test("is a real one, as whoever one is", async () => {
    await ask("Click me");
    await visit("as=grace&in=ml-approvals");
    await page.getByRole("article").filter({ hasText: "Click me" }).getByRole("button", { name: "Approve" }).click();
    await slack.until(() => app.requests.at(-1)?.payload.actions?.[0]?.["action_id"] === "approve");
    expect(app.requests.at(-1)).toMatchObject({ isVerified: true, payload: { user: { id: slack.users.grace.id } } });
    await page.getByRole("article").filter({ hasText: "Click me" }).getByLabel("More").selectOption("Escalate");
    await slack.until(() => app.requests.at(-1)?.payload.actions?.[0]?.["action_id"] === "more");
    expect(app.requests.at(-1)?.payload.actions[0]).toMatchObject({ selected_option: { value: "e" } });
  });

  test("that the app does not answer shows Slack's own error", async () => {
    await ask("Broken");
    app.onRequest(() => ({ status: 503 }));
    await visit("as=ada&in=ml-approvals");
    await page.getByRole("article").filter({ hasText: "Broken" }).getByRole("button", { name: "Approve" }).click();
    await alert().waitFor();
    expect(await alert().innerText()).toContain("did not answer");
  });

  test("asks first where the app wants that", async () => {
    await ask("Careful", {
      confirm: { title: text("Really?"), text: text("It goes live."), confirm: text("Do it"), deny: text("Not yet") },
    });
    await visit("as=ada&in=ml-approvals");
    const before = app.requests.length;
    const button = page.getByRole("article").filter({ hasText: "Careful" }).getByRole("button", { name: "Approve" });
    await button.click();
    await page.getByRole("dialog", { name: "Really?" }).getByRole("button", { name: "Not yet" }).click();
    expect(app.requests.length).toBe(before);
    await button.click();
    await page.getByRole("dialog", { name: "Really?" }).getByRole("button", { name: "Do it" }).click();
    await slack.until(() => app.requests.length === before + 1);
  });
});

describe("a form", () => {
  test("is filled in, says at the field what is wrong, keeps what was typed, and is sent", async () => {
    const ts = await ask("With a form");
    app.onRequest(async ({ payload }) => {
      if (payload.type === "block_actions")
        await app.client.apiCall("views.open", { trigger_id: payload.trigger_id, view: form });
      return {};
    });
    await visit("as=grace&in=ml-approvals");
    await page.locator(`[data-ts="${ts}"]`).getByRole("button", { name: "Approve" }).click();
    const dialog = page.getByRole("dialog", { name: "Approve flights.12" });
    await dialog.getByLabel("Share").fill("60");
    await dialog.getByRole("radio", { name: "tonight" }).check();
    await dialog.getByRole("checkbox", { name: "Read the report" }).check();
    await dialog.getByLabel("Group").selectOption("now");
    await dialog.getByLabel("Reason").fill("Better in every segment.");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByRole("alert").getByText("Must be no more than 50.").waitFor();
    expect(await dialog.getByLabel("Reason").inputValue()).toBe("Better in every segment.");
    expect(await dialog.getByRole("radio", { name: "tonight" }).isChecked()).toBe(true);

    app.onRequest(() => ({ body: JSON.stringify({ response_action: "errors", errors: { reason: "Name the segment." } }) }));
    await dialog.getByLabel("Share").fill("10");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByRole("alert").getByText("Name the segment.").waitFor();

    app.onRequest(() => ({}));
    await dialog.getByLabel("Reason").fill("Better for HA too.");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.waitFor({ state: "detached" });
    const { values } = app.requests.findLast(({ payload }) => payload.type === "view_submission")!.payload.view.state;
    expect(values).toMatchObject({
      share: { v: { value: "10" } },
      when: { v: { selected_option: { value: "tonight" } } },
      checks: { v: { selected_options: [{ value: "read" }] } },
      group: { v: { selected_option: { value: "now" } } },
      from: { v: { selected_date: "2026-03-02" } },
      reason: { v: { value: "Better for HA too." } },
    });
  });

  test("says that the app is not there, and closes with Escape", async () => {
    const { triggerId } = await slack.command({ as: "olga", channel: "general", text: "x" });
    const blocks = [field("reason", "Reason", { type: "plain_text_input" })];
    await app.client.apiCall("views.open", { trigger_id: triggerId, view: { ...form, title: text("Away"), blocks } });
    await visit("as=olga&in=general");
    app.onRequest(() => ({ status: 500 }));
    const dialog = page.getByRole("dialog", { name: "Away" });
    await dialog.getByLabel("Reason").fill("a");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByRole("alert").waitFor();
    expect(await dialog.getByRole("alert").innerText()).toContain("We had some trouble connecting");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(slack.view("olga")).toBeNull();
  });
});

describe("elsewhere on the page", () => {
  test("a command is typed and answered privately", async () => {
    app.onRequest(({ payload }) => ({ body: JSON.stringify({ text: `You said ${payload.text}` }) }));
    await visit("as=george&in=general");
    await page.getByRole("textbox", { name: "Message #general" }).fill("/countersign why flights");
    await page.keyboard.press("Enter");
    await page.getByText("You said why flights").waitFor();
    expect(await page.getByRole("article", { name: /^Only visible to you/ }).innerText()).toContain("You said why flights");
    expect(app.requests.at(-1)?.payload).toMatchObject({ command: "/countersign", user_id: slack.users.george.id });
  });

  test("the home tab asks the app, shows what it publishes, and its buttons work", async () => {
    app.onRequest(async ({ payload }) => {
      if (payload.event?.type === "app_home_opened") {
        const blocks = [
          { type: "header", text: text("Waiting for you") },
          { type: "actions", elements: [{ type: "button", action_id: "open", text: text("Open gate"), value: "g" }] },
        ];
        await app.client.apiCall("views.publish", { user_id: payload.event.user, view: { type: "home", blocks } });
      }
      return {};
    });
    await visit("as=pia&in=general");
    await page.getByRole("link", { name: "Home" }).click();
    await page.getByRole("heading", { name: "Waiting for you" }).waitFor();
    await page.getByRole("button", { name: "Open gate" }).click();
    await slack.until(() => app.requests.at(-1)?.payload.actions?.[0]?.["action_id"] === "open");
    expect(app.requests.at(-1)?.payload.container).toMatchObject({ type: "view" });
  });

  test("a direct message of the app is under its messages", async () => {
    await app.client.chat.postMessage({ channel: slack.users.ben.id, text: "For Ben alone" });
    await visit("as=ben&in=general");
    await page
      .getByRole("navigation", { name: "Apps" })
      .getByRole("link", { name: /Messages/ })
      .click();
    await page.getByRole("article").getByText("For Ben alone").waitFor();
    expect(slack.direct("ben")).toHaveLength(1);
  });

  test("the log tells calls and deliveries, and sets faults", async () => {
    await visit("as=olga&in=log");
    await page.getByRole("cell", { name: "chat.postMessage" }).first().waitFor();
    await page.getByRole("button", { name: "Slack is down" }).click();
    await page.getByText('[{"kind":"outage"}]').waitFor();
    expect(slack.activeFaults()).toEqual([{ kind: "outage" }]);
    await page.getByRole("button", { name: "All is well" }).click();
    await page.getByText("None.").waitFor();
  });

  test("somebody's page elsewhere can neither click nor read", async () => {
    const act = { do: "say", as: "ada", channel: slack.channels.general.id, text: "forged" };
    const headers = { "content-type": "application/json", origin: "https://elsewhere.example" };
    const answer = await fetch(`${slack.url}/client/act`, { method: "POST", headers, body: JSON.stringify(act) });
    expect(answer.status).toBe(403);
    expect(slack.messages("general").some((one) => one.text === "forged")).toBe(false);
    const policy = (await fetch(slack.url)).headers.get("content-security-policy");
    expect(policy).toContain("script-src 'self'");
  });
});
