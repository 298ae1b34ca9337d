import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "../faults.ts";
import type { Delivery, Outcome } from "./outcome.ts";
import { encoded, post, signedHeaders, type Answered, type Sending } from "./request.ts";
import { slackSignature } from "./signature.ts";
import type { Sockets } from "./sockets.ts";

/** An answer after that is none: the person sees Slack's error, whatever the app still does. */
const ackMs = 3_000;
const maxDeliveries = 2_000;

export type Deliverer = ReturnType<typeof createDeliverer>;

interface Deps {
  signingSecret: string;
  faults: Faults;
  sockets: Sockets;
  touched: () => void;
  /** The wall's clock: signatures say when, and what the app measures is real. */
  now: () => number;
}

interface Changes {
  /** Milliseconds since 1970. */
  at?: number;
  secret?: string;
  body?: string;
}

/** Sends signed requests to the app's one address, or over Socket Mode while it is connected. */
export function createDeliverer(deps: Deps) {
  const { signingSecret, faults, sockets, now } = deps;
  const { log, begin, finish } = createLog(deps);
  let eventsUrl: string | null = null;

  async function once(sending: Sending): Promise<Outcome> {
    const body = encoded(sending);
    const startedAt = performance.now();
    const tookMs = () => performance.now() - startedAt;
    if (sockets.isConnected()) {
      const delivery = begin(sending, { over: "socket", body, headers: {} });
      const { kind, payload, retry } = sending;
      return finish(delivery, { ...(await sockets.send({ kind, payload, retry, ackMs })), tookMs: tookMs() });
    }
    const headers = signedHeaders(sending, { secret: signingSecret, at: now(), body });
    const delivery = begin(sending, { over: "http", body, headers });
    return finish(delivery, { ...(await post(eventsUrl, { headers, body, withinMs: ackMs })), tookMs: tookMs() });
  }

  return {
    log,
    setUrl(url: string | null): void {
      eventsUrl = url;
    },
    url: () => eventsUrl,
    /** Sends it, with the faults that are asked for; resolves when it was answered, failed or three seconds were over. */
    async send(sending: Sending): Promise<Outcome> {
      if (faults.take("delivery-dropped") !== null) {
        // It never arrives: the person sees the same error as when the app is silent, without the wait.
        const delivery = begin(sending, { over: "http", body: encoded(sending), headers: {} });
        return finish(delivery, { status: null, error: "timeout", answer: "", tookMs: 0 });
      }
      const delayed = faults.take("delivery-delayed");
      if (delayed !== null) await sleep(delayed.delayMs);
      const times = faults.take("delivery-duplicated") === null ? [once(sending)] : [once(sending), once(sending)];
      const [first] = await Promise.all(times);
      if (first === undefined) throw new Error("Nothing was sent.");
      return first;
    },
    /** The same request again, signed as it was; with another time or secret it is signed anew. */
    async replay(id: string, changes: Changes = {}): Promise<{ status: number | null; body: string }> {
      const found = log.find((delivery) => delivery.id === id);
      if (found === undefined) throw new Error(`No delivery ${id}.`);
      const body = changes.body ?? found.body;
      const headers = { ...found.headers };
      if (changes.at !== undefined || changes.secret !== undefined) {
        const timestamp = Math.floor((changes.at ?? now()) / 1_000);
        headers["x-slack-request-timestamp"] = String(timestamp);
        headers["x-slack-signature"] = slackSignature(changes.secret ?? signingSecret, timestamp, body);
      }
      const { status, answer } = await post(eventsUrl, { headers, body, withinMs: ackMs });
      return { status, body: answer };
    },
  };
}

/** What was sent, the newest last. */
function createLog({ touched, now }: Deps) {
  const log: Delivery[] = [];

  return {
    log,
    begin(sending: Sending, out: Pick<Delivery, "over" | "body" | "headers">): Delivery {
      const begun = { tookMs: null, status: null, error: null, retryNum: sending.retry?.num ?? 0 };
      const delivery: Delivery = { id: randomUUID(), kind: sending.kind, at: now(), ...begun, ...out };
      log.push(delivery);
      if (log.length > maxDeliveries) log.splice(0, log.length - maxDeliveries);
      touched();
      return delivery;
    },
    finish(delivery: Delivery, end: Answered & { tookMs: number }): Outcome {
      const { status, error, tookMs } = end;
      Object.assign(delivery, { status, error, tookMs });
      touched();
      const ids = { deliveryId: delivery.id, actionTs: null, triggerId: null };
      return { ok: error === null, status, tookMs, error, ...ids, body: end.answer };
    },
  };
}
