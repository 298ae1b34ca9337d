import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stages } from "../../domain/stages.ts";
import { decide, untilState } from "../world/models.ts";
import { signIn } from "./browser.ts";
import { openStand, picture } from "./stand.ts";
import type { Stand, Waiting } from "./stand.ts";

let stand: Stand;
/** A gate that no test decides. */
let still: Waiting;

beforeAll(async () => {
  stand = await openStand();
  still = await stand.waiting();
}, 180_000);
afterAll(async () => stand?.close());

const skipBrowserChecks = "for (const form of document.forms) form.noValidate = true";

describe("deciding in the console, in a browser", () => {
  it("lets Grace sign in, read the evidence and approve, and shows the release go on by itself", async () => {
    const { model, release, gate } = await stand.waiting();
    const { page, context, complaints } = await signIn(stand.browser, stand.site, { name: "Grace" });
    await page
      .locator("li.card", { hasText: release })
      .getByRole("link", { name: /Review and decide/ })
      .click();
    await page.getByRole("heading", { level: 1, name: gate.request.ask }).waitFor();
    const metrics = page.locator("table.metrics").first();
    expect(await metrics.getByRole("row").count()).toBeGreaterThanOrEqual(5);
    expect(await metrics.getByRole("img", { name: /AUC: candidate 0\.\d+, between/ }).count()).toBe(1);
    expect(await page.getByRole("img", { name: /^Calibration: predicted/ }).count()).toBe(1);
    await page.getByText("Who may not, and why").waitFor();
    expect(await page.locator("#people").innerText()).toContain("ada");
    await page.screenshot({ path: picture("gate.png"), fullPage: true });

    const watcher = await context.newPage();
    await watcher.goto(`/releases/${release}`);
    await page.getByRole("radio", { name: /Approve/ }).check();
    await page.getByRole("textbox", { name: /Reason/ }).fill("better than nothing");
    await page.getByRole("button", { name: "Send decision" }).click();
    const receipt = page.locator("#receipt");
    await receipt.waitFor();
    expect(await receipt.getAttribute("data-receipt")).toBe("accepted");
    await page.locator("#decide .outcome", { hasText: "approved" }).waitFor();

    // The page that was open before follows without being loaded again.
    await watcher.locator("#release-title .badge", { hasText: "promoted" }).waitFor({ timeout: 30_000 });
    expect(await watcher.locator("#stages > li.done").count()).toBe(stages.length);
    expect(await watcher.locator("#stages").innerText()).toContain("approved");
    await watcher.screenshot({ path: picture("release.png"), fullPage: true });
    await watcher.goto(`/models/${model}`);
    await watcher.getByText(`${release} serves since`).first().waitFor();
    const decision = (
      await stand.site.control.gate(await stand.site.control.authenticate(stand.site.tokens["grace"] ?? "", "api"), gate.id)
    ).decisions[0];
    expect(decision).toMatchObject({ by: "grace", surface: "console", reason: "better than nothing", counted: true });
    expect(decision?.seen).toMatch(/^sha256:/);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("tells Ada why she may not decide, and counts nothing when the form is sent all the same", async () => {
    const { gate } = still;
    const { page, context } = await signIn(stand.browser, stand.site, { name: "Ada" });
    await page.goto(`/gates/${gate.id}`);
    expect(await page.locator("form.decision").count()).toBe(0);
    await page.locator(".barred").waitFor();
    const csrf = await page.locator("form.me input[name=csrf]").inputValue();
    const sent = await page.request.post(`/gates/${gate.id}/decisions`, {
      form: { csrf, key: "sent-by-hand", digest: gate.request.digest, decision: "approve" },
      headers: { origin: stand.site.url },
    });
    expect(await sent.text()).toContain('data-receipt="not-allowed"');
    const after = await stand.world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body).toMatchObject({ state: "open", decisions: [] });
    await context.close();
  });

  it("takes a double submit once, and shows the one answer twice", async () => {
    const gate = await stand.asked();
    const { page, context } = await signIn(stand.browser, stand.site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    const field = (name: string) => page.locator(`form.decision input[name=${name}]`).inputValue();
    const form = {
      csrf: await field("csrf"),
      key: await field("key"),
      digest: await field("digest"),
      seen: await field("seen"),
      decision: "reject",
      reason: "not convincing yet",
    };
    const send = () =>
      page.request.post(`/gates/${gate.id}/decisions`, { form, headers: { origin: stand.site.url }, maxRedirects: 0 });
    const answers = await Promise.all([send(), send(), send()]);
    const targets = new Set(answers.map((answer) => answer.headers()["location"]));
    expect(answers.map((answer) => answer.status())).toEqual([303, 303, 303]);
    expect(targets.size).toBe(1);
    const after = await stand.world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body.decisions).toHaveLength(1);
    expect(after.body.resolution).toBe("rejected");
    await page.goto([...targets][0] ?? "");
    expect(await page.locator("#receipt").getAttribute("data-receipt")).toBe("accepted");
    await context.close();
  });

  it("tells who was faster, and takes the form away from a page that was open", async () => {
    const gate = await stand.asked();
    const { page, context } = await signIn(stand.browser, stand.site, { name: "George" });
    await page.goto(`/gates/${gate.id}`);
    const form = page.locator("form.decision");
    await form.waitFor();
    const hidden = async (name: string) => form.locator(`input[name=${name}]`).inputValue();
    const late = { csrf: await hidden("csrf"), key: await hidden("key"), digest: await hidden("digest"), decision: "approve" };
    await decide(stand.world.as("grace"), gate, { decision: "reject", reason: "not convincing yet" });
    await form.waitFor({ state: "detached" });
    await page.locator("#decide", { hasText: "by grace" }).waitFor();
    const sent = await page.request.post(`/gates/${gate.id}/decisions`, { form: late, headers: { origin: stand.site.url } });
    expect(await sent.text()).toContain('data-receipt="already-decided"');
    await context.close();
  });

  it("decides on several that were ticked by one form, each with its own receipt, and leaves the rest", async () => {
    const [one, other, left] = await Promise.all([stand.asked(), stand.asked(), stand.asked()]);
    const { page, context, complaints } = await signIn(stand.browser, stand.site, { name: "Grace" });
    await page.locator("summary", { hasText: "Decide on several at once" }).click();
    const form = page.locator("form[action='/inbox/decisions']");
    for (const { id } of [one, other]) await form.getByLabel(new RegExp(id)).check();
    await form.getByRole("radio", { name: "Approve" }).check();
    // Somebody is quicker with one of them while the form is filled in.
    await decide(stand.world.as("george"), other, { decision: "reject", reason: "not this one" });
    await page.locator(`li.card:has-text("${other.id}")`).waitFor({ state: "detached" });
    // The page follows, and what was ticked is still there.
    await form.getByRole("button", { name: "Send decisions" }).click();
    await page.locator("#receipt", { hasText: "1 of 2 decisions were taken" }).waitFor();
    await page
      .locator("#receipt li", { hasText: other.id })
      .getByText(/by george/)
      .waitFor();
    await page.screenshot({ path: picture("inbox.png"), fullPage: true });
    const state = async ({ id }: { id: string }) =>
      (await stand.world.as("grace").get<typeof one>(`/api/gates/${id}`)).body.resolution;
    expect([await state(one), await state(other), await state(left)]).toEqual(["approved", "rejected", null]);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("keeps what is being written while the page follows", async () => {
    const { gate } = still;
    const { page, context } = await signIn(stand.browser, stand.site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    await page.locator("main[data-live]").waitFor();
    await page.getByRole("textbox", { name: /Reason/ }).fill("a long thought");
    const looked = page.waitForResponse((response) => response.url().includes(`/gates/${gate.id}`));
    // A refused attempt is on record, so the page looks again.
    await decide(stand.world.as("ada"), gate, { decision: "approve" });
    await looked;
    expect(await page.getByRole("textbox", { name: /Reason/ }).inputValue()).toBe("a long thought");
    await context.close();
  });

  it("asks for a reason before it takes a rejection, and keeps the choice", async () => {
    const { gate } = still;
    const { page, context } = await signIn(stand.browser, stand.site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    await page.getByRole("radio", { name: /Reject/ }).check();
    // The browser itself would stop an empty reason; what counts is the server.
    await page.evaluate(skipBrowserChecks);
    await page.getByRole("button", { name: "Send decision" }).click();
    await page.locator('#receipt[data-receipt="fail"], #receipt[data-receipt="invalid"]').waitFor();
    expect(await page.locator("form.decision").count()).toBe(1);
    const after = await stand.world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body.state).toBe("open");
    await context.close();
  });

  it("lets a reviewer ask for changes, which start the next release", async () => {
    const { model, gate } = await stand.waiting();
    const { page, context } = await signIn(stand.browser, stand.site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    await page.getByRole("radio", { name: /Request changes/ }).check();
    await page.getByRole("textbox", { name: /Reason/ }).fill("regularise more");
    await page.getByLabel("Trainer’s parameters").fill("l2 = 5");
    await page.getByRole("button", { name: "Send decision" }).click();
    await page.locator('#receipt[data-receipt="accepted"]').waitFor();
    const next = await untilState(stand.world, `${model}.2`, ["queued", "running", "waiting"]);
    expect(next).toMatchObject({ parent: `${model}.1`, parameters: { train: { l2: 5 } } });
    await page.goto(`/releases/${model}.1`);
    await page.getByRole("link", { name: `${model}.2` }).waitFor();
    await context.close();
  });
});
