import { Hono } from "hono";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";

/** The pictures of a gate's evidence. The address carries a piece of the digest, so a browser may keep what it has. */
export function chartRoutes({ control }: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/gates/:gate/charts/:chart", async (context) => {
    const wanted = { gate: context.req.param("gate"), chart: context.req.param("chart") };
    const { bytes, type, digest } = await control.gateChart(context.get("caller"), wanted);
    return context.body(Uint8Array.from(bytes), 200, {
      "content-type": type,
      etag: `"${digest}"`,
      "cache-control": "private, max-age=86400",
    });
  });
  return app;
}
