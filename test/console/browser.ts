import chromiumPack from "@sparticuz/chromium";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Site } from "./site.ts";

/** A real browser from the package registry alone. Its own arguments switch the web's security off; these do not. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await chromiumPack.executablePath(),
    args: ["--no-sandbox", "--disable-gpu", "--headless=shell"],
    headless: true,
  });
}

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** What the browser complained about: script errors, refused content. */
  complaints: string[];
}

/** A window of its own, signed in by the button of the sign-in page. */
export async function signIn(browser: Browser, site: Site, who: { name: string; phone?: boolean }): Promise<Visit> {
  const viewport = who.phone === true ? { width: 390, height: 844 } : { width: 1240, height: 900 };
  const context = await browser.newContext({ viewport, baseURL: site.url });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto("/inbox");
  await page.getByRole("button", { name: new RegExp(`^${who.name}\\b`) }).click();
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  return { context, page, complaints };
}
