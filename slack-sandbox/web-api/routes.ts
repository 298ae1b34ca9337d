import { setTimeout as sleep } from "node:timers/promises";
import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import type { Faults } from "../faults.ts";
import { readArguments } from "./arguments.ts";
import { needScope } from "./channels.ts";
import type { Api, Method } from "./method.ts";
import { methods } from "./methods.ts";
import type { RateLimiter } from "./rate-limits.ts";
import { SlackError } from "./slack-error.ts";

/** One call of the Web API as it came and was answered. */
export interface WebApiCall {
  method: string;
  /** Milliseconds since 1970. */
  at: number;
  ok: boolean;
  error: string | null;
  httpStatus: number;
  args: Record<string, unknown>;
}

interface Deps {
  api: Api;
  faults: Faults;
  limiter: RateLimiter | null;
  isRevoked: () => boolean;
  record: (call: WebApiCall) => void;
}

interface Answer {
  status: number;
  body: Record<string, unknown> | string;
  headers?: Record<string, string>;
}

/** Names that are written in every call and are no argument of the method. */
const passing = new Set(["token", "team_id"]);

/** `POST /api/<method>`: faults first, then the limit, the token, the scopes, the method, as Slack does. */
export function webApiRoutes(deps: Deps) {
  const app = new Hono<{ Bindings: HttpBindings }>();

  app.all("/:method", async (context) => {
    const name = context.req.param("method");
    const { faults, api } = deps;
    const at = api.workspace.now();
    let args: Record<string, unknown> = {};
    const note = (error: string | null, httpStatus: number) =>
      deps.record({ method: name, at, ok: error === null, error, httpStatus, args });
    if (faults.take("unreachable", name) !== null) return hangUp(context, () => note("unreachable", 0));
    const slow = faults.take("slow", name);
    if (slow !== null) await sleep(slow.delayMs);
    const answer = await answerTo(deps, name, async () => {
      args = await readArguments(context);
      return { args, token: tokenOf(context, args) };
    });
    delete args["token"];
    const error = typeof answer.body === "string" ? "outage" : (answer.body["error"] ?? null);
    const told = typeof error === "string" ? error : null;
    if (faults.take("answer-lost", name) !== null) return hangUp(context, () => note(told ?? "answer-lost", 0));
    note(told, answer.status);
    return new Response(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body), {
      status: answer.status,
      headers: {
        "content-type": typeof answer.body === "string" ? "text/html" : "application/json; charset=utf-8",
        "x-oauth-scopes": api.workspace.state.scopes.join(","),
        ...answer.headers,
      },
    });
  });
  return app;
}

/** Ends the connection with no answer. */
function hangUp(context: Context<{ Bindings: HttpBindings }>, note: () => void): Response {
  note();
  context.env.incoming.socket.destroy();
  return new Response(null, { status: 499 });
}

function tokenOf(context: Context, args: Record<string, unknown>): string | null {
  const bearer = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
  const inBody = args["token"];
  return bearer ?? (typeof inBody === "string" ? inBody : null);
}

async function answerTo(
  deps: Deps,
  name: string,
  read: () => Promise<{ args: Record<string, unknown>; token: string | null }>,
): Promise<Answer> {
  const { api, faults, limiter } = deps;
  const outage = faults.take("outage", name);
  if (outage !== null) return { status: outage.status ?? 503, body: "<html><body>Slack is having trouble.</body></html>" };
  const method: Method | undefined = Object.hasOwn(methods, name) ? methods[name] : undefined;
  try {
    const { args, token } = await read();
    if (method === undefined) throw new SlackError("unknown_method", { req_method: name });
    const asked = faults.take("rate-limited", name);
    if (asked !== null) return limited(asked.retryAfterSeconds);
    checkToken(deps, method, token);
    const channel = typeof args["channel"] === "string" ? args["channel"] : "";
    const waitSeconds = limiter?.({ method: name, tier: method.tier, channel }) ?? 0;
    if (waitSeconds > 0) return limited(waitSeconds);
    const error = faults.take("error", name);
    if (error !== null) throw new SlackError(error.error);
    for (const scope of method.token === "bot" ? method.scopes : []) needScope(api, scope);
    tellUnknown(deps, { name, method, args });
    return { status: 200, body: { ok: true, ...(await method.run(api, args)) } };
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    return { status: 200, body: { ok: false, error: error.code, ...error.extra } };
  }
}

function limited(retryAfterSeconds: number): Answer {
  return { status: 429, body: { ok: false, error: "ratelimited" }, headers: { "retry-after": String(retryAfterSeconds) } };
}

function checkToken({ api, isRevoked }: Deps, method: Method, token: string | null): void {
  const { botToken, appToken } = api.credentials;
  if (token === null) throw new SlackError("not_authed");
  if (token !== botToken && token !== appToken) throw new SlackError("invalid_auth");
  if ((token === appToken) !== (method.token === "app")) throw new SlackError("not_allowed_token_type");
  if (token === botToken && isRevoked()) throw new SlackError("token_revoked");
}

function tellUnknown(
  { api }: Deps,
  { name, method, args }: { name: string; method: Method; args: Record<string, unknown> },
): void {
  const unknown = Object.keys(args).filter((key) => !method.known.includes(key) && !passing.has(key));
  for (const key of unknown) api.complain(`${name}: no argument is named \`${key}\``);
}
