import type { DeliveryKind, Outcome } from "./outcome.ts";
import { slackSignature } from "./signature.ts";

export interface Sending {
  kind: DeliveryKind;
  /** What goes out: a form for interactions and commands, JSON for events. */
  payload: Record<string, unknown>;
  retry?: { num: number; reason: string };
}

export interface Answered {
  status: number | null;
  error: Outcome["error"];
  answer: string;
}

const isJson = (kind: DeliveryKind) => kind === "event_callback" || kind === "url_verification";

/** The body as it goes out over HTTP, every byte of which is signed. */
export function encoded({ kind, payload }: Sending): string {
  if (isJson(kind)) return JSON.stringify(payload);
  // Interactions carry JSON in one field; a command is a form of texts.
  if (kind !== "command") return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  return new URLSearchParams(Object.entries(payload).map(([name, value]): [string, string] => [name, String(value)])).toString();
}

/** Slack's headers, the signature among them. */
export function signedHeaders(
  sending: Sending,
  { secret, at, body }: { secret: string; at: number; body: string },
): Record<string, string> {
  const timestamp = Math.floor(at / 1_000);
  const { kind, retry } = sending;
  return {
    "content-type": isJson(kind) ? "application/json" : "application/x-www-form-urlencoded",
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "x-slack-request-timestamp": String(timestamp),
    "x-slack-signature": slackSignature(secret, timestamp, body),
    ...(retry === undefined ? {} : { "x-slack-retry-num": String(retry.num), "x-slack-retry-reason": retry.reason }),
  };
}

/** One request. Slack counts 200 and nothing else as an acknowledgement. */
export async function post(
  url: string | null,
  { headers, body, withinMs }: { headers: Record<string, string>; body: string; withinMs: number },
): Promise<Answered> {
  if (url === null) return { status: null, error: "no_url", answer: "" };
  try {
    const signal = AbortSignal.timeout(withinMs);
    const response = await fetch(url, { method: "POST", headers, body, redirect: "error", signal });
    const answer = await response.text();
    return { status: response.status, error: response.status === 200 ? null : "http_error", answer };
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return { status: null, error: isTimeout ? "timeout" : "connection_failed", answer: "" };
  }
}
