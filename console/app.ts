import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { asCountersignError } from "../control/faults.ts";
import { CountersignError } from "../domain/errors.ts";
import { assetRoutes } from "./assets.ts";
import type { ConsoleDeps, ConsoleEnv } from "./deps.ts";
import { showFault } from "./frame.ts";
import { auditRoutes } from "./routes/audit.ts";
import { chartRoutes } from "./routes/charts.ts";
import { entranceRoutes } from "./routes/entrance.ts";
import { gateRoutes } from "./routes/gates.ts";
import { liveRoutes } from "./routes/live.ts";
import { messageRoutes } from "./routes/messages.ts";
import { modelRoutes } from "./routes/models.ts";
import { meRoutes, peopleRoutes } from "./routes/people.ts";
import { policyRoutes } from "./routes/policies.ts";
import { releaseRoutes } from "./routes/releases.ts";
import { versionRoutes } from "./routes/versions.ts";
import { guardHeaders, sameOriginOnly } from "./security.ts";
import { requireSession } from "./session.ts";

/** A decision with its reason and parameters has some kilobytes. */
const maxFormBytes = 64 * 1024;

/**
 * The web pages, to be mounted at the root beside `/api`. Everything goes through control, with a
 * session's caller. GETs only read; POSTs come from this site's own forms, and say by a redirect
 * what became of them.
 */
/** No page and no filter is named so, and PostgreSQL could not be asked about it. */
const refuseUnstorable = createMiddleware<ConsoleEnv>(async (context, next) => {
  if (/%00/.test(context.req.url)) throw new CountersignError("not-found", "No page has a NUL character in its address.");
  await next();
});

export function createConsole(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.use(guardHeaders);
  app.route("/", assetRoutes);
  app.use(
    bodyLimit({
      maxSize: maxFormBytes,
      onError: () => {
        throw new CountersignError("too-large", `A form may have ${maxFormBytes} bytes.`);
      },
    }),
  );
  app.use(sameOriginOnly);
  app.route("/", entranceRoutes(deps));
  app.use(requireSession(deps));
  app.use(refuseUnstorable);
  app.route("/", modelRoutes(deps));
  app.route("/", versionRoutes(deps));
  app.route("/", releaseRoutes(deps));
  app.route("/", gateRoutes(deps));
  app.route("/", chartRoutes(deps));
  app.route("/", policyRoutes(deps));
  app.route("/", auditRoutes(deps));
  app.route("/", peopleRoutes(deps));
  app.route("/", meRoutes(deps));
  app.route("/", messageRoutes(deps));
  app.route("/", liveRoutes(deps));
  app.notFound(async (context) =>
    showFault(context, deps, new CountersignError("not-found", `There is no page ${context.req.path}.`)),
  );
  app.onError(async (thrown, context) => {
    if (thrown instanceof HTTPException) return thrown.getResponse();
    const error = asCountersignError(thrown);
    if (error.code === "internal") (deps.log ?? console).error({ err: thrown, path: context.req.path }, "a page failed");
    return showFault(context, deps, error);
  });
  return app;
}
