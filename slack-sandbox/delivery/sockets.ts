import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { WebSocketServer, type WebSocket } from "ws";
import { z } from "zod";
import { appId } from "../workspace/seed.ts";
import type { DeliveryKind } from "./outcome.ts";
import type { Answered } from "./request.ts";

export type Sockets = ReturnType<typeof createSockets>;

interface Envelope {
  kind: DeliveryKind;
  payload: Record<string, unknown>;
  retry: { num: number; reason: string } | undefined;
  ackMs: number;
}

const acknowledgement = z.object({ envelope_id: z.string(), payload: z.unknown().optional() });
/** Slack pings so that a client notices a dead connection. */
const pingMs = 10_000;
const ticketMs = 30_000;

const envelopeTypes: Record<DeliveryKind, string> = {
  block_actions: "interactive",
  view_submission: "interactive",
  view_closed: "interactive",
  command: "slash_commands",
  event_callback: "events_api",
  url_verification: "events_api",
};

/** Socket Mode: `apps.connections.open` gives a one-time address; envelopes go out there and are acknowledged by id. */
export function createSockets(url: () => string) {
  const tickets = new Map<string, number>();
  const waiting = new Map<string, (answer: string) => void>();
  const server = new WebSocketServer({ noServer: true });
  const open = (): WebSocket[] => [...server.clients].filter((socket) => socket.readyState === socket.OPEN);
  server.on("connection", (socket) => greet(socket, { connections: server.clients.size, waiting }));

  return {
    newUrl(): string {
      const ticket = randomBytes(12).toString("hex");
      tickets.set(ticket, Date.now());
      return `${url().replace(/^http/, "ws")}/link/?ticket=${ticket}&app_id=${appId}`;
    },
    attach(http: Server): void {
      http.on("upgrade", (request: IncomingMessage, socket, head) => {
        const ticket = new URL(request.url ?? "/", "http://localhost").searchParams.get("ticket") ?? "";
        const made = tickets.get(ticket);
        tickets.delete(ticket);
        if (made === undefined || Date.now() - made > ticketMs) {
          socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
          return;
        }
        server.handleUpgrade(request, socket, head, (connection) => server.emit("connection", connection, request));
      });
    },
    isConnected: (): boolean => open().length > 0,
    /** Ends all connections as Slack does when it wants them renewed. */
    disconnect(): void {
      for (const socket of open()) {
        socket.send(JSON.stringify({ type: "disconnect", reason: "refresh_requested", debug_info: {} }));
        socket.close(1000);
      }
    },
    /** One of the connections gets it, the newest. */
    async send({ kind, payload, retry, ackMs }: Envelope): Promise<Answered> {
      const socket = open().at(-1);
      if (socket === undefined) return { status: null, error: "connection_failed", answer: "" };
      const id = randomUUID();
      const again = retry === undefined ? {} : { retry_attempt: retry.num, retry_reason: retry.reason };
      const envelope = { envelope_id: id, type: envelopeTypes[kind], payload, accepts_response_payload: true, ...again };
      socket.send(JSON.stringify(envelope));
      const answer = await answered(socket, { id, waiting, withinMs: ackMs });
      waiting.delete(id);
      if (answer === null) return { status: null, error: "timeout", answer: "" };
      return { status: 200, error: null, answer };
    },
    close(): void {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

type Waiting = Map<string, (answer: string) => void>;

/** Says hello, pings, and hands acknowledgements to who waits for them. */
function greet(socket: WebSocket, { connections, waiting }: { connections: number; waiting: Waiting }): void {
  const hello = { type: "hello", num_connections: connections, debug_info: {}, connection_info: { app_id: appId } };
  socket.send(JSON.stringify(hello));
  const timer = setInterval(() => socket.ping(), pingMs);
  timer.unref();
  socket.on("close", () => clearInterval(timer));
  socket.on("message", (data) => {
    const parsed = acknowledgement.safeParse(readJson(textOf(data)));
    if (!parsed.success) return;
    const { envelope_id: id, payload } = parsed.data;
    waiting.get(id)?.(payload === undefined ? "" : JSON.stringify(payload));
  });
}

/** The body of the acknowledgement, or null when none came in time or the connection ended. */
function answered(
  socket: WebSocket,
  { id, waiting, withinMs }: { id: string; waiting: Waiting; withinMs: number },
): Promise<string | null> {
  return new Promise((resolve) => {
    const end = (answer: string | null) => {
      clearTimeout(limit);
      socket.off("close", closed);
      resolve(answer);
    };
    const closed = () => end(null);
    const limit = setTimeout(closed, withinMs);
    waiting.set(id, end);
    socket.once("close", closed);
  });
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data).toString("utf8");
}

function readJson(message: string): unknown {
  try {
    return JSON.parse(message) as unknown;
  } catch {
    return null;
  }
}
