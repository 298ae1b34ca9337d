import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { AuditRecordView } from "../../domain/http/record-views.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, type RouteTable } from "../routing.ts";

/** Proxies drop a silent connection after half a minute or so. */
const heartbeatMs = 15_000;
/** After this the browser comes again. */
const reconnectMs = 1_000;

export function eventRoutes(table: RouteTable, { control, log }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/events",
      tag: "audit",
      summary: "Records as they are committed (server-sent events)",
      description:
        "`id` is the audit sequence, `event` its kind, `data` the record. Comes again after `Last-Event-ID`; without it begins with the next record.",
      query: z.object({ model: z.string().optional() }),
      refusals: ["too-many-requests"],
      answers: {
        200: { description: "A stream that ends after ten minutes; come again.", schema: z.string(), type: "text/event-stream" },
      },
    },
    async (c, { model }) => {
      const caller = c.get("caller");
      const after = lastEventId(c.req.header("last-event-id"));
      const ended = new AbortController();
      const records = control.events(caller, { model, after, signal: ended.signal })[Symbol.asyncIterator]();
      c.header("x-accel-buffering", "no");
      return streamSSE(c, async (stream) => {
        stream.onAbort(() => ended.abort());
        const heartbeat = setInterval(() => void stream.write(": still here\n\n"), heartbeatMs);
        try {
          await stream.write(`retry: ${reconnectMs}\n\n`);
          for (let next = await records.next(); next.done !== true && !ended.signal.aborted; next = await records.next())
            await stream.writeSSE(eventOf(next.value));
        } catch (error) {
          // Hono would send the error's own text, which may be PostgreSQL's. The stream ends, and the reader comes again.
          log.error({ err: error }, "an event stream broke off");
        } finally {
          clearInterval(heartbeat);
          ended.abort();
        }
      });
    },
  );
}

function eventOf(record: AuditRecordView) {
  return { id: String(record.seq), event: record.kind, data: JSON.stringify(record) };
}

function lastEventId(header: string | undefined): number | null {
  if (header === undefined || header === "") return null;
  const seq = Number(header);
  if (Number.isSafeInteger(seq) && seq >= 0) return seq;
  throw new CountersignError("invalid", "Last-Event-ID is no sequence number.", {
    faults: [{ path: "Last-Event-ID", message: "must be the id of an event" }],
  });
}
