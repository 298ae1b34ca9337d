import { createApp } from "../../api/app.ts";
import { createConsole } from "../../console/app.ts";
import { createControl } from "../../control/control.ts";
import { createSigner } from "../../control/signing.ts";
import { createFront } from "../control/front.ts";

export const origin = "http://127.0.0.1:4400";

/** API and console before records that no workflow moves: all that a browser or a program can reach, without training anything. */
export async function openFrontSite() {
  const front = await createFront();
  const control = createControl({
    db: front.db,
    temporal: front.client,
    store: front.store,
    signer: createSigner({ privateKeyPem: front.keys.privateKey }),
    publicUrl: origin,
  });
  const faults: unknown[] = [];
  const log = { error: (facts: Record<string, unknown>) => void faults.push(facts) };
  const pages = createConsole({ control, now: () => new Date(), developmentTokens: async () => front.tokens, log });
  const app = createApp({ control, console: pages, development: true, rate: { perSecond: 10_000, burst: 10_000 }, log });

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("host", "127.0.0.1:4400");
    return app.request(`${origin}${path}`, { redirect: "manual", ...init, headers });
  }
  /** A session's cookie, as a browser keeps it; `cookie` is what the browser had before. */
  async function signIn(who: string, cookie = ""): Promise<string> {
    const answer = await send("/sign-in", {
      method: "POST",
      headers: { origin, ...(cookie && { cookie }) },
      body: new URLSearchParams({ principal: who }),
    });
    if (answer.status !== 303) throw new Error(`Signing in answered ${answer.status}: ${await answer.text()}`);
    return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
  }
  const bearer = (who: string) => ({ authorization: `Bearer ${front.tokens[who] ?? ""}` });
  const json = (who: string, body: unknown, method = "POST"): RequestInit => ({
    method,
    headers: { ...bearer(who), "content-type": "application/json" },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
  return { front, control, faults, send, signIn, bearer, json };
}

export type FrontSite = Awaited<ReturnType<typeof openFrontSite>>;
