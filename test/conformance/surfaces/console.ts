import { randomUUID } from "node:crypto";
import { gateStates, receiptKinds, receiptStatus, resolutions } from "../../../domain/gate.ts";
import type { Site } from "../../console/site.ts";
import type { GateSurface, Reply, Shown } from "../surface.ts";

/** The console's own pages and forms over HTTP, with session and proof of origin as a browser sends them. */
export function createConsoleSurface(site: Pick<Site, "url" | "tokens">): GateSurface {
  const sessions = new Map<string, Promise<string>>();
  const sessionOf = (who: string): Promise<string> => {
    const session = sessions.get(who) ?? signIn(site, who);
    sessions.set(who, session);
    return session;
  };
  const get = async (who: string, path: string) =>
    fetch(`${site.url}${path}`, { headers: { cookie: await sessionOf(who) }, redirect: "manual" });
  /** A double click or a retry sends the form of the page that was loaded once. */
  const loaded = new Map<string, Promise<string>>();
  const page = async (who: string, gate: string) => (await get(who, `/gates/${gate}`)).text();

  type Form = "decisions" | "withdrawals";
  async function post(who: string, gate: string, fields: Record<string, string>, form: Form = "decisions"): Promise<Reply> {
    const response = await fetch(`${site.url}/gates/${gate}/${form}`, {
      method: "POST",
      redirect: "manual",
      headers: { cookie: await sessionOf(who), origin: site.url },
      body: new URLSearchParams(fields),
    });
    const target = response.headers.get("location");
    // A browser follows the redirect, and what it then shows is the answer.
    const text = target === null ? await response.text() : await (await get(who, target)).text();
    const receipt = receiptOn(text);
    // Never a 2xx; what a redirect leads to tells by its receipt whether it was a refusal.
    const bad = receipt === null ? /data-receipt="fail"/.test(text) || response.status >= 400 : receiptStatus[receipt] >= 400;
    return { receipt, refused: bad && !response.ok, text: `${response.status} ${visible(text)}` };
  }

  return {
    name: "console",
    can: { withdraw: true, escalate: true, inputs: true, key: true, follows: false },
    crowd: 40,
    async decide(who, { gate, digest, decision, reason, inputs = {}, key }) {
      const before = key === undefined ? undefined : loaded.get(`${gate} ${key}`);
      const loading = before ?? page(who, gate);
      if (key !== undefined) loaded.set(`${gate} ${key}`, loading);
      const html = await loading;
      const seen = field(html, "seen");
      return post(who, gate, {
        csrf: field(html, "csrf"),
        key: key ?? randomUUID(),
        digest,
        decision,
        ...(reason !== undefined && { reason }),
        ...(seen !== "" && { seen }),
        ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`i.${name}`, String(value)])),
      });
    },
    async withdraw(who, { gate, reason }) {
      const html = await page(who, gate);
      return post(who, gate, { csrf: field(html, "csrf"), key: randomUUID(), reason }, "withdrawals");
    },
    async read(who, gate) {
      const response = await get(who, `/gates/${gate}`);
      return response.status === 404 ? null : shownOn(await response.text());
    },
    async lookAround(who, gate, digest) {
      const query = `decision=approve&digest=${encodeURIComponent(digest)}&key=${randomUUID()}`;
      const paths = ["/inbox", `/gates/${gate}`, `/gates/${gate}?${query}`, `/gates/${gate}/decisions?${query}`];
      for (const path of paths) await (await get(who, path)).text();
      // A link in a message is followed without the strict cookie.
      await (await fetch(`${site.url}/gates/${gate}?${query}`, { redirect: "manual" })).text();
    },
    async malformed(who, gate, digest) {
      const html = await page(who, gate);
      const whole = { csrf: field(html, "csrf"), key: randomUUID(), digest, decision: "approve" };
      const forms: Record<string, string>[] = [
        {},
        { ...whole, csrf: "guessed" },
        { ...whole, key: "two words" },
        { ...whole, key: randomUUID(), digest: "what-i-saw" },
        { ...whole, key: randomUUID(), decision: "perhaps" },
        { ...whole, key: randomUUID(), seen: `sha256:${"f".repeat(64)}` },
        { csrf: whole.csrf, key: randomUUID() },
      ];
      const replies = [];
      for (const form of forms) replies.push(await post(who, gate, form));
      return replies;
    },
  };
}

async function signIn(site: Pick<Site, "url" | "tokens">, who: string): Promise<string> {
  const response = await fetch(`${site.url}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: site.url },
    body: new URLSearchParams({ principal: who, next: "/inbox" }),
  });
  const cookie = response.headers.get("set-cookie")?.split(";")[0];
  if (cookie === undefined) throw new Error(`${who} could not sign in: ${response.status}`);
  return cookie;
}

function field(html: string, name: string): string {
  return new RegExp(`name="${name}"\\s+value="([^"]*)"`).exec(html)?.[1] ?? "";
}

/** The receipt that a page shows. */
export function receiptOn(html: string): Reply["receipt"] {
  const shown = /data-receipt="([a-z-]+)"/.exec(html)?.[1];
  return receiptKinds.find((kind) => kind === shown) ?? null;
}

/** What a gate's page says of it. */
export function shownOn(html: string): Shown {
  const title = /id="gate-title"[\s\S]*?<\/header>/.exec(html)?.[0] ?? "";
  const badge = /class="badge[^"]*"[^>]*>([^<]+)</.exec(title)?.[1]?.trim().replaceAll(" ", "-") ?? "";
  const resolution = resolutions.find((one) => one === badge) ?? null;
  const state = resolution === null ? (gateStates.find((one) => one === badge) ?? "open") : "closed";
  return { state, resolution, offers: /<form class="decision"/.test(html), text: visible(html) };
}

function visible(html: string): string {
  return html
    .replaceAll(/<script[\s\S]*?<\/script>/g, "")
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
