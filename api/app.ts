import { inspect } from "node:util";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Control } from "../control/control.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ApiDeps, ApiEnv, FaultLog } from "./environment.ts";
import { apiHeaders, authenticated, loopbackHostOnly } from "./guards.ts";
import { answerFault } from "./problems.ts";
import { defaultRate, limitRate, type Rate } from "./rate-limit.ts";
import { chartRoutes } from "./routes/charts.ts";
import { documentRoutes } from "./routes/documents.ts";
import { eventRoutes } from "./routes/events.ts";
import { gateRoutes } from "./routes/gates.ts";
import { healthRoutes } from "./routes/health.ts";
import { commandRoutes } from "./routes/commands.ts";
import { messageRoutes, ownMessageRoutes } from "./routes/messages.ts";
import { contractRoutes } from "./routes/contracts.ts";
import { modelRoutes } from "./routes/models.ts";
import { groupRoutes, peopleFileRoutes, principalRoutes } from "./routes/people.ts";
import { policyRoutes } from "./routes/policies.ts";
import { auditRoutes, peopleRoutes } from "./routes/records.ts";
import { releaseRoutes } from "./routes/releases.ts";
import { delegationRoutes, tokenRoutes } from "./routes/tokens.ts";
import { versionRoutes } from "./routes/versions.ts";
import type { RouteTable } from "./routing.ts";

/** A definition with its SQL and contract has some tens of kilobytes. */
const maxBodyBytes = 1024 * 1024;

export interface AppOptions {
  control: Control;
  /** The pages; they get everything that is not under /api. */
  console?: { fetch(request: Request, env?: unknown): Response | Promise<Response> };
  /** Slack's signed requests, which prove themselves. */
  slack?: { fetch(request: Request): Response | Promise<Response> } | null;
  servingUrl?: string | null;
  /** Answers under loopback names only. */
  development?: boolean;
  rate?: Rate;
  log?: FaultLog;
  version?: string;
}

const toStderr: FaultLog = { error: (facts, message) => void process.stderr.write(`${message}: ${inspect(facts)}\n`) };

/** The HTTP surface: the API under /api, the console beside it. */
export function createApp(options: AppOptions): Hono<ApiEnv> {
  const deps: ApiDeps = {
    control: options.control,
    servingUrl: options.servingUrl ?? null,
    log: options.log ?? toStderr,
    version: options.version ?? "0.0.0",
  };
  const table: RouteTable = { app: new OpenAPIHono<ApiEnv>(), routes: [] };
  const { app } = table;
  app.onError((error, c) => answerFault(error, c, deps.log));
  if (options.development) app.use(loopbackHostOnly);
  app.use("/api/*", apiHeaders);
  healthRoutes(table, deps);
  documentRoutes(table, deps);
  // Those were the open ones: they answer before these.
  app.use("/api/*", authenticated(deps.control));
  app.use("/api/*", limitRate(options.rate ?? defaultRate));
  app.use("/api/*", bodyLimit({ maxSize: maxBodyBytes, onError: refuseLarge }));
  modelRoutes(table, deps);
  commandRoutes(table, deps);
  contractRoutes(table, deps);
  releaseRoutes(table, deps);
  gateRoutes(table, deps);
  chartRoutes(table, deps);
  versionRoutes(table, deps);
  peopleRoutes(table, deps);
  groupRoutes(table, deps);
  principalRoutes(table, deps);
  peopleFileRoutes(table, deps);
  tokenRoutes(table, deps);
  delegationRoutes(table, deps);
  policyRoutes(table, deps);
  auditRoutes(table, deps);
  messageRoutes(table, deps);
  ownMessageRoutes(table, deps);
  eventRoutes(table, deps);
  app.all("/api/*", (c) => refuseUnknown(table, c.req.method, c.req.path));
  const { console: pages, slack } = options;
  if (slack) app.post("/slack/events", (c) => slack.fetch(c.req.raw));
  if (pages) app.all("*", (c) => pages.fetch(c.req.raw, c.env));
  app.notFound((c) => refuseUnknown(table, c.req.method, c.req.path));
  return app;
}

function refuseLarge(): never {
  throw new CountersignError("too-large", `A body may have ${maxBodyBytes} bytes.`);
}

/** 405 where the path is known under other methods, else 404. */
function refuseUnknown(table: RouteTable, method: string, path: string): never {
  const allow = table.routes.filter((route) => patternOf(route.path).test(path)).map((route) => route.method);
  if (allow.length === 0) throw new CountersignError("not-found", `There is nothing at ${path}.`);
  throw new CountersignError("method-not-allowed", `${path} does not take ${method}.`, { extra: { allow: [...new Set(allow)] } });
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{.+?\}/g, "[^/]+")}$`);
}
