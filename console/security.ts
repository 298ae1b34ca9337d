import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { CountersignError } from "../domain/errors.ts";
import type { ConsoleEnv } from "./deps.ts";

/** Nothing but this site's own files; scripts only with this answer's nonce; no page in a frame. */
function contentPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    `script-src 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export const guardHeaders = createMiddleware<ConsoleEnv>(async (context, next) => {
  const nonce = randomBytes(16).toString("base64url");
  context.set("nonce", nonce);
  await next();
  const headers = context.res.headers;
  headers.set("content-security-policy", contentPolicy(nonce));
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-frame-options", "DENY");
  headers.set("referrer-policy", "same-origin");
  headers.set("cross-origin-opener-policy", "same-origin");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
});

/**
 * A change must come from a page of this site. Browsers send Origin with every POST; `hono/csrf`
 * looks only at form content types, so cross-site JSON would pass it.
 */
export const sameOriginOnly = createMiddleware<ConsoleEnv>(async (context, next) => {
  if (context.req.method !== "GET" && context.req.method !== "HEAD" && !comesFromHere(context.req.raw.headers))
    throw new CountersignError("forbidden", "This form was not sent from a page of Countersign.");
  await next();
});

function comesFromHere(headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin !== null) return URL.parse(origin)?.host === headers.get("host");
  return headers.get("sec-fetch-site") === "same-origin";
}

/** Bound to the session without being stored: who does not know the session's secret cannot make it. */
export function csrfTokenOf(session: string): string {
  return createHash("sha256").update(`countersign-csrf\n${session}`).digest("base64url");
}

export function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
