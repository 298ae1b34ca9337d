import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { errorOf } from "./refusals.ts";
import { startSmallApp, type AppAnswer, type SmallApp } from "./small-app.ts";

let slack: SlackSandbox;
let app: SmallApp;
beforeAll(async () => {
  slack = await createSlackSandbox({ rateLimits: false, eventRetryDelaysMs: [0, 20, 40] });
  app = await startSmallApp(slack);
});
afterEach(() => app.onRequest(() => ({})));
afterAll(async () => {
  await app.close();
  await slack.close();
});

const text = (words: string) => ({ type: "plain_text" as const, text: words });
const form = (title = "Approve", more: object = {}) => ({
  type: "modal" as const,
  title: text(title),
  submit: text("Send"),
  callback_id: "approve",
  private_metadata: "gate-1",
  blocks: [
    {
      type: "input" as const,
      block_id: "share",
      label: text("Share"),
      element: { type: "number_input" as const, action_id: "v", is_decimal_allowed: false, min_value: "1", max_value: "50" },
    },
    {
      type: "input" as const,
      block_id: "reason",
      label: text("Reason"),
      element: { type: "plain_text_input" as const, action_id: "v", min_length: 3 },
    },
    {
      type: "input" as const,
      block_id: "checks",
      optional: true,
      label: text("Checks"),
      element: {
        type: "checkboxes" as const,
        action_id: "v",
        options: [
          { text: text("Read"), value: "read" },
          { text: text("Told"), value: "told" },
        ],
      },
    },
  ],
  ...more,
});
const good = { share: 10, reason: "because", checks: ["read"] };

/** A form opened by a command, as one does. */
async function open(as: string, view: object = form()): Promise<void> {
  const { triggerId } = await slack.command({ as, channel: "general", text: "x" });
  await app.client.apiCall("views.open", { trigger_id: triggerId, view });
}
const answers = (answer: object): AppAnswer => ({ body: JSON.stringify(answer) });
const submissions = () => app.requests.filter(({ payload }) => payload.type === "view_submission");

describe("a submission", () => {
  test("carries what was filled in, and an empty answer closes the form", async () => {
    await open("grace");
    const outcome = await slack.submitView({ as: "grace", values: good });
    expect(outcome).toMatchObject({ ok: true, errors: {} });
    const { payload, isVerified } = app.requests.at(-1)!;
    expect(isVerified).toBe(true);
    expect(payload).toMatchObject({
      type: "view_submission",
      user: { id: slack.users.grace.id },
      view: { callback_id: "approve", private_metadata: "gate-1" },
    });
    expect(payload.view.state.values).toEqual({
      share: { v: { type: "number_input", value: "10" } },
      reason: { v: { type: "plain_text_input", value: "because" } },
      checks: { v: { type: "checkboxes", selected_options: [expect.objectContaining({ value: "read" })] } },
    });
    expect(slack.view("grace")).toBeNull();
  });

  test("is checked by Slack's own form before the app hears of it", async () => {
    await open("ben");
    const before = submissions().length;
    expect((await slack.submitView({ as: "ben", values: { share: 60, reason: "" } })).errors).toEqual({
      share: "Must be no more than 50.",
      reason: "Please complete this required field.",
    });
    expect((await slack.submitView({ as: "ben", values: { share: "many", reason: "ab" } })).errors).toEqual({
      share: "Please enter a number.",
      reason: "Must be at least 3 characters.",
    });
    expect(submissions().length).toBe(before);
    await slack.closeView({ as: "ben" });
  });

  test("shows the app's errors at the fields and stays open", async () => {
    await open("pia");
    app.onRequest(() => answers({ response_action: "errors", errors: { reason: "Say more." } }));
    expect(await slack.submitView({ as: "pia", values: good })).toMatchObject({ ok: true, errors: { reason: "Say more." } });
    expect(slack.view("pia")?.errors).toEqual({ reason: "Say more." });
    app.onRequest(() => ({}));
    await slack.submitView({ as: "pia", values: good });
    expect(slack.view("pia")).toBeNull();
  });

  test("may lead to another view, one more on top, or the end of all", async () => {
    await open("ada");
    app.onRequest(() => answers({ response_action: "update", view: form("Again") }));
    await slack.submitView({ as: "ada", values: good });
    expect(slack.view("ada")?.view).toMatchObject({ title: { text: "Again" } });
    app.onRequest(() => answers({ response_action: "push", view: form("Deeper") }));
    await slack.submitView({ as: "ada", values: good });
    expect(slack.view("ada")?.view).toMatchObject({ title: { text: "Deeper" } });
    expect(slack.view("ada")?.previous_view_id).not.toBeNull();
    app.onRequest(() => ({}));
    await slack.submitView({ as: "ada", values: good });
    expect(slack.view("ada")?.view).toMatchObject({ title: { text: "Again" } });
    app.onRequest(() => answers({ response_action: "clear" }));
    await slack.submitView({ as: "ada", values: good });
    expect(slack.view("ada")).toBeNull();
  });

  test.each([
    [
      "errors where there is no field",
      answers({ response_action: "errors", errors: { nowhere: "a" } }),
      "errors for what is no input block: nowhere",
    ],
    ["a view that Slack does not take", answers({ response_action: "update", view: { type: "modal" } }), "invalid_arguments"],
    ["an action that there is none of", answers({ response_action: "explode" }), "no such response_action"],
    ["words", { body: "thanks" }, "neither empty nor JSON"],
  ])("answered with %s shows Slack's own error", async (_what, answer, complaint) => {
    await open("olga");
    app.onRequest(() => answer);
    await slack.submitView({ as: "olga", values: good });
    expect(slack.view("olga")?.trouble).toBe(true);
    expect(slack.complaints().at(-1)).toContain(complaint);
  });

  test("without an answer in three seconds shows Slack's own error, and can be sent again", async () => {
    await open("george");
    app.onRequest(() => ({ delayMs: 3_500 }));
    expect(await slack.submitView({ as: "george", values: good })).toMatchObject({ ok: false, error: "timeout" });
    expect(slack.view("george")?.trouble).toBe(true);
    app.onRequest(() => ({}));
    await slack.submitView({ as: "george", values: good });
    expect(slack.view("george")).toBeNull();
  });
});

describe("a form", () => {
  test("is changed by its id, unless somebody was faster", async () => {
    await open("grace");
    const { id, hash } = slack.view("grace")!;
    await app.client.views.update({ view_id: id, hash, view: form("Second") });
    expect(slack.view("grace")?.view).toMatchObject({ title: { text: "Second" } });
    expect(await errorOf(app.client.views.update({ view_id: id, hash, view: form("Third") }))).toBe("hash_conflict");
    expect(await errorOf(app.client.views.update({ view_id: "V404", view: form() }))).toBe("not_found");
    await slack.closeView({ as: "grace" });
    expect(await errorOf(app.client.views.update({ view_id: id, view: form() }))).toBe("not_found");
  });

  test("tells that it was closed if it is to", async () => {
    await open("ben", form("Close", { notify_on_close: true }));
    await slack.closeView({ as: "ben" });
    expect(app.requests.at(-1)?.payload).toMatchObject({
      type: "view_closed",
      is_cleared: false,
      user: { id: slack.users.ben.id },
    });
  });

  test("has buttons that act at once, and from which another view is pushed, three at most", async () => {
    const blocks = [
      { type: "actions", block_id: "b", elements: [{ type: "button", action_id: "deeper", text: text("Deeper") }] },
    ];
    const view = { type: "modal" as const, title: text("Down"), blocks: [] };
    await open("pia", { ...view, blocks });
    const { triggerId } = await slack.clickView({ as: "pia", actionId: "deeper" });
    expect(app.requests.at(-1)?.payload).toMatchObject({
      type: "block_actions",
      container: { type: "view" },
      actions: [{ action_id: "deeper" }],
    });
    expect(app.requests.at(-1)?.payload).not.toHaveProperty("response_url");
    await app.client.apiCall("views.push", { trigger_id: triggerId, view: { ...view, blocks } });
    const second = await slack.clickView({ as: "pia", actionId: "deeper" });
    await app.client.apiCall("views.push", { trigger_id: second.triggerId, view: { ...view, blocks } });
    const third = await slack.clickView({ as: "pia", actionId: "deeper" });
    expect(await errorOf(app.client.apiCall("views.push", { trigger_id: third.triggerId, view }))).toBe("push_limit_reached");
  });

  test("has an outer id once", async () => {
    await open("george", form("One", { external_id: "only" }));
    const { triggerId } = await slack.command({ as: "ada", channel: "general", text: "x" });
    const again = app.client.apiCall("views.open", { trigger_id: triggerId, view: form("Two", { external_id: "only" }) });
    expect(await errorOf(again)).toBe("duplicate_external_id");
    await slack.closeView({ as: "george" });
  });
});

describe("the home tab", () => {
  test("is asked for by an event, published, and clicked in", async () => {
    const opened = await slack.openHome({ as: "ada" });
    const event = app.requests.at(-1)!;
    expect([opened.ok, event.isVerified]).toEqual([true, true]);
    expect(event.headers["content-type"]).toBe("application/json");
    expect(event.payload).toMatchObject({
      type: "event_callback",
      event: { type: "app_home_opened", tab: "home", user: slack.users.ada.id },
    });
    const blocks = [
      { type: "actions" as const, elements: [{ type: "button" as const, action_id: "open", text: text("Open"), value: "g" }] },
    ];
    await app.client.views.publish({ user_id: slack.users.ada.id, view: { type: "home", blocks } });
    await slack.clickHome({ as: "ada", actionId: "open" });
    expect(app.requests.at(-1)?.payload).toMatchObject({
      container: { type: "view", view_id: slack.home("ada")?.id },
      actions: [{ value: "g" }],
    });
    await expect(slack.clickHome({ as: "ben", actionId: "open" })).rejects.toThrow("no home tab");
    expect(await errorOf(app.client.views.publish({ user_id: "U404", view: { type: "home", blocks } }))).toBe(
      "invalid_arguments",
    );
  });

  test("that is not taken is asked for again, three times, with the reason; a click never is", async () => {
    app.onRequest(() => ({ status: 500 }));
    const before = app.requests.length;
    await slack.openHome({ as: "ben" });
    await slack.until(() => app.requests.length === before + 4);
    const retries = app.requests
      .slice(before)
      .map(({ headers }) => [headers["x-slack-retry-num"], headers["x-slack-retry-reason"]]);
    expect(retries).toEqual([
      [undefined, undefined],
      ["1", "http_error"],
      ["2", "http_error"],
      ["3", "http_error"],
    ]);
    const ids = app.requests.slice(before).map(({ payload }) => payload.event_id);
    expect(new Set(ids).size).toBe(1);
  });

  test("hears of nothing that the app did not subscribe to", async () => {
    const before = app.requests.length;
    await slack.say({ as: "ada", channel: "general", text: "hello" });
    await slack.openHome({ as: "ada" });
    expect(app.requests.length).toBe(before + 1);
  });
});

test("the address is verified by a challenge", async () => {
  app.onRequest(({ payload }) => ({ body: payload.challenge ?? "" }));
  expect(await slack.verifyUrl()).toBe(true);
  app.onRequest(() => ({}));
  expect(await slack.verifyUrl()).toBe(false);
});
