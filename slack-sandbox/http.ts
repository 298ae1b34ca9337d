import type { HttpBindings } from "@hono/node-server";
import { Hono, type MiddlewareHandler } from "hono";
import { z } from "zod";
import type { ResponseUrls } from "./delivery/response-urls.ts";
import { faultSchema } from "./faults.ts";
import type { Handle } from "./handle.ts";
import { pageRoutes } from "./page/routes.ts";
import { maxFileBytes } from "./web-api/methods/files.ts";
import { webApiRoutes } from "./web-api/routes.ts";
import type { Workspace } from "./workspace/workspace.ts";

interface Deps {
  handle: Handle;
  responseUrls: ResponseUrls;
  workspace: Workspace;
  consoleUrl: string | null;
  webApi: Parameters<typeof webApiRoutes>[0];
}

const faultsSchema = z.union([faultSchema, z.array(faultSchema)]);

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' https: data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * Another page of the same browser may neither click as somebody here nor read: requests name this
 * machine as host, and what comes from a page comes from ours.
 */
const ownPageOnly: MiddlewareHandler = async (context, next) => {
  const { hostname, origin } = new URL(context.req.url);
  const from = context.req.header("origin");
  const isOurs = ["127.0.0.1", "localhost", "[::1]"].includes(hostname) && (from === undefined || from === origin);
  if (!isOurs) return context.json({ error: "Only the sandbox's own page may do that." }, 403);
  return next();
};

/** Everything that the sandbox answers over HTTP. */
export function createHttp(deps: Deps) {
  const { handle, responseUrls } = deps;
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (context, next) => {
    await next();
    if (!context.res.headers.has("content-security-policy")) context.header("content-security-policy", policy);
    context.header("x-content-type-options", "nosniff");
  });
  app.route("/api", webApiRoutes(deps.webApi));
  app.use("/client/*", ownPageOnly);
  app.use("/sandbox/*", ownPageOnly);
  app.route("/", fileRoutes(deps.workspace));
  app.route("/", pageRoutes(deps));

  app.post("/response/:kind/:key", async (context) => {
    const given: unknown = await context.req.json().catch(() => null);
    const { status, body } = responseUrls.take(context.req.param("key"), given);
    return context.body(body, status, { "content-type": body.startsWith("{") ? "application/json" : "text/html" });
  });

  app.get("/sandbox/health", (context) => context.json({ ok: true }));
  app.get("/sandbox/faults", (context) => context.json(handle.activeFaults()));
  app.delete("/sandbox/faults", (context) => {
    handle.faults([]);
    return context.json([]);
  });
  app.post("/sandbox/faults", async (context) => {
    const parsed = faultsSchema.safeParse(await context.req.json().catch(() => null));
    if (!parsed.success) return context.json({ error: z.prettifyError(parsed.error) }, 422);
    try {
      handle.faults(parsed.data);
    } catch (error) {
      // No such channel or message.
      return context.json({ error: error instanceof Error ? error.message : String(error) }, 422);
    }
    return context.json(handle.activeFaults());
  });
  return app;
}

/** Where a chart's bytes go, and come from. */
function fileRoutes(workspace: Workspace) {
  const app = new Hono();

  app.post("/upload/v1/:key", async (context) => {
    const file = workspace.file(context.req.param("key").split("-")[0] ?? "");
    if (file === undefined || file.uploaded) return context.text("no such upload", 404);
    const isForm = (context.req.header("content-type") ?? "").startsWith("multipart/form-data");
    const bytes = isForm ? await firstPart(await context.req.parseBody()) : Buffer.from(await context.req.arrayBuffer());
    if (bytes.length > maxFileBytes || bytes.length !== file.size)
      return context.text(`${bytes.length} bytes came where ${file.size} were announced`, 400);
    Object.assign(file, { content: bytes.toString("base64"), uploaded: true });
    workspace.changed();
    return context.text(`OK - ${bytes.length}`);
  });

  app.get("/files/:id/:name", (context) => {
    const file = workspace.file(context.req.param("id"));
    if (file === undefined || !file.uploaded) return context.text("no such file", 404);
    return context.body(Buffer.from(file.content, "base64"), 200, {
      "content-type": file.mimetype,
      // An SVG that somebody uploads runs no script here.
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    });
  });
  return app;
}

async function firstPart(form: Record<string, string | File>): Promise<Buffer> {
  const part = Object.values(form).find((value) => value instanceof File);
  return part === undefined ? Buffer.alloc(0) : Buffer.from(await part.arrayBuffer());
}
