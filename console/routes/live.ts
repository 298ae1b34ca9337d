import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";

/** Proxies and browsers drop a silent connection after half a minute or so. */
const heartbeatMs = 15_000;

/** Tells the page that something was put on record, so that it looks again; what, it reads itself. */
export function liveRoutes({ control }: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/live", (context) => {
    const caller = context.get("caller");
    const model = context.req.query("model");
    const ended = new AbortController();
    const records = control.events(caller, { model, after: null, signal: ended.signal });
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => ended.abort());
      const heartbeat = setInterval(() => void stream.writeSSE({ event: "beat", data: "" }), heartbeatMs);
      try {
        await stream.writeSSE({ event: "ready", data: "", retry: 2000 });
        for await (const { seq, kind, subject } of records) {
          await stream.writeSSE({ event: "record", id: String(seq), data: JSON.stringify({ kind, subject }) });
        }
      } finally {
        clearInterval(heartbeat);
        ended.abort();
      }
    });
  });
  return app;
}
