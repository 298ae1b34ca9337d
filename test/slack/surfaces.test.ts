import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import { openBrowser } from "../console/browser.ts";
import { recordWindow } from "../../db/enrolments.ts";
import { apply, decide, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createTestPrefix } from "../setup/temporal.ts";
import { openSlackStand, type SlackStand } from "./stand.ts";

let stand: SlackStand;
let browser: Browser;
beforeAll(async () => {
  [stand, browser] = await Promise.all([openSlackStand({ link: false }), openBrowser()]);
}, 120_000);
afterAll(async () => {
  expect(stand.slack.complaints()).toEqual([]);
  await browser.close();
  await stand.close();
});

async function ask(as: string, text: string): Promise<string> {
  const { ok, answer } = await stand.slack.command({ as, channel: stand.channel, text });
  expect(ok, text).toBe(true);
  return answer?.text ?? "";
}

/** The link in a private sentence, opened and confirmed in a browser by somebody who signs in by the button of the entrance. */
async function link(slackName: string, personName: string): Promise<string> {
  const sentence = await ask(slackName, "inbox");
  const address = /<(http[^|>]+)\|/.exec(sentence)?.[1] ?? "";
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address);
  await page.getByRole("button", { name: new RegExp(`^${personName}\\b`) }).click();
  await page.getByRole("button", { name: "This is me" }).click();
  await page.getByRole("heading", { name: "Linked" }).waitFor();
  // It works once.
  await page.goto(address);
  await page.getByText("was used or is too old").waitFor();
  await context.close();
  return address;
}

test("somebody is known after opening the one-time link while signed in, and not before", async () => {
  expect(await ask("grace", "inbox")).toContain("I do not know yet who you are");
  const address = await link("grace", "Grace");
  expect(await ask("grace", "inbox")).toBe("Nothing waits for you.");
  expect(await ask("george", "inbox")).toContain("I do not know yet");
  // A link preview only reads.
  expect((await fetch(address, { redirect: "manual" })).status).toBe(303);
  const linked = await stand.world.db.selectFrom("slack_users").select(["principal_id", "how"]).execute();
  expect(linked).toEqual([{ principal_id: "grace", how: "link" }]);
  await link("olga", "Olga");
  await link("ben", "Ben");
});

test("every word of the command is answered in private, and so is every mistake", async () => {
  expect(await ask("olga", "")).toContain("/countersign");
  expect(await ask("olga", "help")).toContain("rollback");
  expect(await ask("olga", "status")).toContain("0 models");
  expect(await ask("olga", "stuck")).toBe("Nothing is stuck.");
  expect(await ask("olga", "dance <!channel>")).toContain("I do not know “dance”");
  expect(await ask("olga", "why")).toContain("Which model?");
  expect(await ask("olga", "why no-such-model")).toContain("no-such-model");
  expect(await ask("olga", "rollback nothing")).toContain("There is no model nothing");
  expect(await ask("gus", "status")).toContain("Guests cannot act");
});

test("a release is asked for, approved in the sandbox's page by a real browser, explained, and rolled back in vain", async () => {
  const { slack, world } = stand;
  const { model, release, message } = await stand.waiting();
  expect(await ask("olga", "status")).toContain(release);
  expect(await ask("grace", "inbox")).toContain("1 decision waits for you");
  expect((await slack.openHome({ as: "grace" })).ok).toBe(true);
  const home = await slack.until(() => {
    const view = slack.home("grace");
    return view && JSON.stringify(view.view).includes(release) && view;
  });
  expect(JSON.stringify(home.view)).toContain(model);
  const page = await browser.newPage();
  await page.goto(`${slack.url}/?as=grace&channel=ml-approvals`);
  await page.getByRole("button", { name: "Approve" }).first().waitFor();
  await page.getByRole("button", { name: "Approve" }).first().click();
  await slack.until(
    () => slack.messages(stand.channel).some((one) => one.ts === message.ts && one.text.startsWith("Approved by grace")),
    30_000,
  );
  await page.close();
  expect((await untilState(world, release, ["ended"])).outcome).toBe("promoted");
  expect(await ask("olga", `why ${model}`)).toContain("approved by grace");
  expect(await ask("ben", `rollback ${model} the error rate doubled`)).toMatch(/no earlier champion/);
  // Without a reason a form opens.
  expect(await ask("ben", `release ${model}`)).toBe("");
  expect(slack.view("ben")?.view.callback_id).toBe("request-release");
  expect(Object.keys((await slack.submitView({ as: "ben", values: { reason: "x" } })).errors)).toEqual(["reason"]);
  expect((await slack.submitView({ as: "ben", values: { reason: "fresh data" } })).ok).toBe(true);
  expect(JSON.stringify(slack.view("ben")?.view)).toContain(`${model}.2`);
});

test("a blocked release, a rollback and drift are told in the channel, each once", async () => {
  const { slack, world, channel } = stand;
  const said = (start: string) => slack.messages(channel).filter((one) => one.text.startsWith(start));

  const model = createTestPrefix();
  await apply(world, await smallModel(model, "medium"));
  for (const release of [await requestRelease(world, model), await requestRelease(world, model, { seed: 3 })]) {
    await decide(world.as("grace"), await untilGate(world, release), { decision: "approve" });
    expect((await untilState(world, release, ["ended"])).outcome).toBe("promoted");
  }
  await ask("olga", `rollback ${model} the error rate doubled`);
  const back = `${model} rolled back to ${model}.1 in production by olga`;
  await slack.until(() => said(back)[0]);

  const watched = { model, environment: "production", version: `${model}.1` };
  const column = { name: "duration", effect: 0.41, method: "psi", missing: 0, referenceMissing: 0, verdict: "alert" } as const;
  for (const hour of ["01", "02"]) {
    const window = {
      from: `2026-01-01T00:00:00.000Z`,
      to: `2026-01-01T${hour}:00:00.000Z`,
      rows: 900,
      verdict: "drift" as const,
    };
    await recordWindow(world.db, { watched, window: { ...window, columns: [column] }, audited: true });
  }
  const drift = `${model}: predictions in production drift`;
  const told = await slack.until(() => said(drift)[0]);
  expect(JSON.stringify(told.blocks)).toContain("Most: duration 0.41");

  const broken = createTestPrefix();
  await apply(
    world,
    await smallModel(broken, "medium", ({ data }) => {
      for (const source of Object.values(data.sources)) Object.assign(source, { files: "examples/credit-risk/data/none.csv" });
    }),
  );
  const release = await requestRelease(world, broken);
  const blocked = await slack.until(() => said(`${release} is blocked at ingest`)[0]);
  await slack.click({ as: "ben", channel, ts: blocked.ts, actionId: "release.abandon", asSeen: blocked });
  expect((await slack.submitView({ as: "ben", values: { reason: "there is no such file" } })).ok).toBe(true);
  expect((await untilState(world, release, ["ended"])).outcome).toBe("abandoned");
  await slack.until(() => said(`${release} was blocked at ingest`)[0]);
  expect([said(back).length, said(drift).length]).toEqual([1, 1]);
}, 120_000);
