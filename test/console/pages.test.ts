import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stages } from "../../domain/stages.ts";
import { createTestPrefix } from "../setup/temporal.ts";
import { until } from "../world/until.ts";
import { apply, promote, requestRelease, smallModel, untilState } from "../world/models.ts";
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

describe("the pages of the console, in a browser", () => {
  it("shows the seven stages as they run", async () => {
    const { page, context, complaints } = await signIn(stand.browser, stand.site, { name: "Ada" });
    const model = createTestPrefix();
    await apply(stand.world, await smallModel(model, "low"));
    await page.goto(`/models/${model}`);
    await page.locator("summary", { hasText: "Request a release" }).click();
    await page.getByLabel("Reason").first().fill("see it run");
    await page.getByRole("button", { name: "Request release" }).click();
    await page
      .locator("#receipt")
      .getByRole("link", { name: `${model}.1` })
      .click();
    await page.locator("#release-title .badge", { hasText: "promoted" }).waitFor({ timeout: 30_000 });
    expect(await page.locator("#stages > li").count()).toBe(stages.length);
    expect(await page.locator("#stages .summary").first().innerText()).toMatch(/1,000|1000/);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("shows the pictures of the evidence, each by its digest, and knows no other", async () => {
    const { page, context, complaints } = await signIn(stand.browser, stand.site, { name: "Grace" });
    const path = `/gates/${still.gate.id}`;
    await page.goto(path);
    const drawn = still.gate.request.evidence.evaluationBody?.charts ?? [];
    expect(drawn.map(({ name }) => name)).toContain("slices");
    const loaded = "[...document.images].filter((one) => one.complete && one.naturalWidth > 100).length";
    await page.evaluate('for (const one of document.images) one.loading = "eager"');
    // Asked from outside: the page's own policy forbids it to evaluate text.
    await until("all pictures", async () => (await page.evaluate<number>(loaded)) === drawn.length, 30_000);
    await page.screenshot({ path: picture("evidence.png"), fullPage: true });
    expect(complaints).toEqual([]);
    const status = async (chart: string) => (await page.request.get(`${path}/charts/${chart}`)).status();
    expect(await status("slices.svg")).toBe(200);
    expect(await status("slices.png")).toBe(200);
    // A picture that was not drawn, and a way out of the folder that there is not.
    expect(await status("nothing.svg")).toBe(404);
    expect(await status("..%2F..%2Fslices.svg")).toBe(404);
    await context.close();
  });

  it("shows what blocks a release, with the cure, and takes a retry", async () => {
    const model = createTestPrefix();
    await apply(
      stand.world,
      await smallModel(model, "medium", (definition) => {
        for (const source of Object.values(definition.data.sources)) source.files = "examples/credit-risk/data/missing.csv";
      }),
    );
    const release = await requestRelease(stand.world, model);
    await untilState(stand.world, release, ["blocked"]);
    const { page, context, complaints } = await signIn(stand.browser, stand.site, { name: "Ada" });
    await page.goto(`/releases/${release}`);
    const panel = page.locator("#blocked");
    await panel.getByRole("heading", { name: "Blocked at ingest" }).waitFor();
    expect(await panel.innerText()).toContain("missing.csv");
    expect(await panel.getByRole("button", { name: /Skip/ }).count()).toBe(0);
    await page.screenshot({ path: picture("blocked.png"), fullPage: true });
    await panel.getByLabel(/^Reason/).fill("the file is there now");
    await panel.getByRole("button", { name: "Retry" }).click();
    await page.locator("#receipt", { hasText: "tried again" }).waitFor();
    await panel.getByRole("heading", { name: "Blocked at ingest" }).waitFor({ timeout: 30_000 });
    await panel.getByLabel(/^Reason/).fill("there is no such file");
    await panel.getByRole("button", { name: "Abandon the release" }).click();
    await page.locator("#release-title .badge", { hasText: "abandoned" }).waitFor({ timeout: 30_000 });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("rolls back after a box was ticked, and not without", async () => {
    const model = createTestPrefix();
    await apply(stand.world, await smallModel(model, "medium"));
    const first = await promote(stand.world, model);
    const second = await promote(stand.world, model, { seed: 11 });
    expect(second.outcome).toBe("promoted");
    const { page, context } = await signIn(stand.browser, stand.site, { name: "Olga" });
    // With a champion beside the candidate the table is at its widest.
    await page.goto(`/gates/${second.id}.promotion.1`);
    for (const width of [390, 710, 980, 1110, 1240]) {
      await page.setViewportSize({ width, height: 900 });
      const stickingOut = await page.evaluate<number>(
        "[...document.querySelectorAll('.card')].filter((card) => card.scrollWidth > card.clientWidth).length",
      );
      expect(stickingOut, `cards whose content sticks out at ${width}`).toBe(0);
    }
    await page.goto(`/models/${model}`);
    await page.locator("summary", { hasText: "Roll back production" }).click();
    const form = page.locator("form[action$='/rollback']");
    await form.getByLabel("Reason").fill("errors in production");
    await page.evaluate(skipBrowserChecks);
    await form.getByRole("button", { name: "Roll back" }).click();
    await page.getByText("the box that confirms it was not ticked").waitFor();
    expect(
      (await stand.world.as("olga").get<{ slots: { champion: { version: string } }[] }>(`/api/models/${model}`)).body.slots[0]
        ?.champion.version,
    ).toBe(second.id);
    await page.locator("summary", { hasText: "Roll back production" }).click();
    await form.getByLabel("Reason").fill("errors in production");
    await form.getByLabel(/Move all traffic/).check();
    await form.getByRole("button", { name: "Roll back" }).click();
    await page.locator("#receipt", { hasText: `${first.id} serves production` }).waitFor();
    await page.locator("#slots", { hasText: `${first.id} serves since` }).waitFor();
    await context.close();
  });

  it("fits a phone, wherever one looks", async () => {
    const { model, release, gate } = still;
    const { page, context, complaints } = await signIn(stand.browser, stand.site, { name: "Grace", phone: true });
    for (const path of ["/", "/inbox", `/models/${model}`, `/releases/${release}`, `/gates/${gate.id}`, "/releases", "/audit"]) {
      await page.goto(path);
      const tooWide = await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
      expect(tooWide, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    }
    await page.goto(`/gates/${gate.id}`);
    const squeezed = await page.evaluate<string[]>(
      "[...document.querySelectorAll('main :is(p, caption, li, h2, dd)')].filter((text) => text.textContent.length > 20 && text.getBoundingClientRect().height > 5 * text.getBoundingClientRect().width && text.getBoundingClientRect().width > 0).map((text) => text.textContent.trim())",
    );
    expect(squeezed, "texts of a letter a line").toEqual([]);
    await page.screenshot({ path: picture("gate-phone.png"), fullPage: true });
    await page.getByRole("link", { name: "To the decision" }).click();
    await page.getByRole("button", { name: "Send decision" }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
