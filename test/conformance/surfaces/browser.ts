import type { Browser, Page } from "playwright-core";
import { openBrowser, signIn, type Visit } from "../../console/browser.ts";
import type { Site } from "../../console/site.ts";
import type { GateSurface, Reply } from "../surface.ts";
import { receiptOn, shownOn } from "./console.ts";

/**
 * The points in which a page, a click or a script could be at fault. The others are no matter of a browser: it sends what its form
 * has, with the digest of its own page; its clicks cannot be timed to the millisecond; its page waits for the answer. The
 * console's adapter shows them with the bare forms.
 */
export const browserPoints = [3, 4, 5, 7, 15, 18, 23];

/** How long a hand waits for a form, milliseconds. */
const impatient = { timeout: 5_000 };

/** A form that the page took away was not sent; any other failure to send is one. */
function unlessTakenAway(isOffered: () => Promise<boolean>) {
  return async (error: unknown) => {
    if (await isOffered()) throw error;
    return false;
  };
}

/** The console in a real browser: what a person sees, clicks and types. */
export async function createBrowserSurface(site: Site): Promise<GateSurface> {
  const browser: Browser = await openBrowser();
  const visits = new Map<string, Promise<Visit>>();
  const visitOf = (who: string): Promise<Visit> => {
    const visit = visits.get(who) ?? signIn(browser, site, { name: `${who.charAt(0).toUpperCase()}${who.slice(1)}` });
    visits.set(who, visit);
    return visit;
  };
  async function at<Result>(who: string, path: string, work: (page: Page) => Promise<Result>): Promise<Result> {
    const { context } = await visitOf(who);
    const page = await context.newPage();
    try {
      await page.goto(path);
      return await work(page);
    } finally {
      await page.close();
    }
  }
  return {
    name: "console in a browser",
    // Its forms can, and the console's adapter sends them; here those points are proven that need a browser.
    can: { withdraw: false, escalate: false, inputs: false, key: false, follows: true },
    crowd: 3,
    // Each costs seconds: those in which a page, a click or a script could be at fault.
    decide: (who, { gate, decision, reason }) =>
      at(who, `/gates/${gate}`, async (page) => {
        const form = page.locator("form.decision");
        const choice = form.locator(`input[name=decision][value=${decision}]`);
        const isOffered = async () => (await choice.count()) > 0;
        const send = async () => {
          // What the browser would refuse by itself is the server's to refuse.
          await page.evaluate("for (const form of document.forms) form.noValidate = true");
          await choice.check(impatient);
          if (reason !== undefined) await form.locator("[name=reason]").fill(reason, impatient);
          await form.getByRole("button", { name: "Send decision" }).dblclick(impatient);
        };
        // Nobody can send what the page does not offer, or takes away because somebody else was quicker.
        const sent = (await isOffered()) && (await send().then(() => true, unlessTakenAway(isOffered)));
        if (!sent) {
          const text = await page.locator("#decide").innerText();
          return { receipt: null, refused: true, text } satisfies Reply;
        }
        await page.locator("#receipt").waitFor();
        const html = await page.content();
        const receipt = receiptOn(html);
        return {
          receipt,
          refused: receipt !== "accepted" && receipt !== "duplicate",
          text: await page.locator("#receipt").innerText(),
        };
      }),
    read: (who, gate) => at(who, `/gates/${gate}`, async (page) => shownOn(await page.content())),
    lookAround: (who, gate) =>
      at(who, `/gates/${gate}`, async (page) => {
        await page.reload();
        await page.goBack();
      }),
    malformed: () => Promise.resolve([]),
    async watch(who, gate) {
      const { context } = await visitOf(who);
      const page = await context.newPage();
      await page.goto(`/gates/${gate}`);
      await page.locator("form.decision").waitFor();
      return {
        async untilClosed() {
          await page.locator("form.decision").waitFor({ state: "detached", timeout: 15_000 });
          return shownOn(await page.content());
        },
        close: () => page.close(),
      };
    },
    async close() {
      await browser.close();
    },
  };
}
