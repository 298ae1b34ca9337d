import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { Control } from "../control/control.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Surface } from "../domain/principal.ts";
import type { ApiEnv } from "./environment.ts";

const sessionCookie = "countersign_session";

/** Who asks: a bearer token, or the console's session for what its pages call. Throws `unauthenticated`. */
export function authenticated(control: Control) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const authorization = c.req.header("authorization");
    const bearer = authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const surface: Surface = c.req.header("countersign-surface") === "cli" ? "cli" : "api";
    if (authorization !== undefined) {
      c.set("caller", await control.authenticate(bearer ?? "", surface));
      return next();
    }
    const session = getCookie(c, sessionCookie);
    if (session === undefined) throw new CountersignError("unauthenticated", "This needs a token.");
    // A cookie is sent by other sites' pages too: a change must come from a page of this one.
    if (c.req.method !== "GET" && c.req.method !== "HEAD" && !sameOrigin(c.req.raw.headers)) {
      throw new CountersignError(
        "forbidden",
        "With a session, changes come from Countersign's own pages only; send a bearer token instead.",
      );
    }
    c.set("caller", await control.resumeSession(session));
    return next();
  });
}

function sameOrigin(headers: Headers): boolean {
  const origin = headers.get("origin");
  return origin !== null && URL.parse(origin)?.host === headers.get("host");
}

/**
 * A development instance answers under its loopback names only: a page elsewhere whose name is made
 * to point at this machine (DNS rebinding) sends another Host.
 */
export const loopbackHostOnly = createMiddleware(async (c, next) => {
  const host = c.req.header("host") ?? "";
  const name = host.replace(/:\d+$/, "");
  if (!["127.0.0.1", "localhost", "[::1]"].includes(name)) {
    throw new CountersignError("forbidden", "A development instance is reached under 127.0.0.1 or localhost only.");
  }
  await next();
});

/** JSON is never rendered, framed or guessed at; answers are not kept by caches. */
export const apiHeaders = createMiddleware(async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "no-referrer");
  headers.set("cross-origin-resource-policy", "same-origin");
  if (!headers.has("content-security-policy"))
    headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
});
