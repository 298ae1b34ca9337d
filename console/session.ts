import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { Caller } from "../control/caller.ts";
import type { Control } from "../control/control.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ConsoleDeps, ConsoleEnv } from "./deps.ts";
import { returnPage } from "./pages/entrance.ts";
import { csrfTokenOf } from "./security.ts";

const cookieName = "countersign_session";

export function requireSession({ control }: Pick<ConsoleDeps, "control">) {
  return createMiddleware<ConsoleEnv>(async (context, next) => {
    const session = getCookie(context, cookieName);
    if (session === undefined && cameFromElsewhere(context)) return context.html(returnPage(addressOf(context)));
    const caller = session === undefined ? null : await callerOf(control, session);
    if (session === undefined || caller === null) return toEntrance(context);
    context.set("caller", caller);
    context.set("csrf", csrfTokenOf(session));
    return next();
  });
}

async function callerOf(control: Control, session: string): Promise<Caller | null> {
  try {
    return await control.resumeSession(session);
  } catch (error) {
    if (error instanceof CountersignError && error.code === "unauthenticated") return null;
    throw error;
  }
}

/** A link in a message or in Temporal's pages: the strict cookie is not sent with it. */
function cameFromElsewhere({ req }: Context): boolean {
  return req.method === "GET" && req.header("sec-fetch-site") === "cross-site" && req.header("sec-fetch-dest") === "document";
}

function toEntrance(context: Context): Response {
  // The page's script asks for parts of it: it must not take the sign-in page for one.
  if (context.req.header("countersign-part") !== undefined || context.req.path === "/live")
    return context.text("Signed out.", 401);
  const next = context.req.method === "GET" ? addressOf(context) : "/";
  return context.redirect(`/sign-in?next=${encodeURIComponent(next)}`, 303);
}

/** Path and query of what was asked for. */
export function addressOf({ req }: Context): string {
  const { pathname, search } = new URL(req.url);
  return `${pathname}${search}`;
}

/** A path of this site, whatever was handed in: `//elsewhere` and `/\elsewhere` leave it. */
export function ownPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : "/";
}

export async function openSession(context: Context<ConsoleEnv>, control: Control, token: string): Promise<void> {
  const caller = await control.authenticate(token, "console");
  const session = await control.startSession(caller);
  const secure = new URL(context.req.url).protocol === "https:" || context.req.header("x-forwarded-proto") === "https";
  setCookie(context, cookieName, session.token, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    secure,
    expires: new Date(session.expiresAt),
  });
}

export async function closeSession(context: Context<ConsoleEnv>, control: Control): Promise<void> {
  await control.endSession(context.get("caller"));
  deleteCookie(context, cookieName, { path: "/" });
}
