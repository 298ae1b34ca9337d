import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { verifySlackRequest, webApi } from "@slack/bolt";
import type { SlackSandbox } from "../../slack-sandbox/sandbox.ts";

/** What the app answers to a request; nothing is an empty 200. */
export interface AppAnswer {
  status?: number;
  body?: string;
  delayMs?: number;
}

/** What the tests look at in what Slack sends; each kind has a part of it. */
export interface Payload {
  type?: string;
  challenge?: string;
  command?: string;
  text?: string;
  channel_name?: string;
  user_id?: string;
  trigger_id: string;
  response_url: string;
  team: { id: string };
  user: { id: string; team_id: string };
  channel?: { id: string; name: string };
  container: Record<string, unknown>;
  message?: Record<string, unknown>;
  state: { values: Record<string, Record<string, unknown>> };
  actions: Record<string, unknown>[];
  view: {
    id: string;
    hash: string;
    callback_id: string;
    private_metadata: string;
    state: { values: Record<string, Record<string, unknown>> };
  };
  is_cleared?: boolean;
  event: { type: string; user: string; tab?: string; text?: string };
  event_id?: string;
}

/** A request as the app read it, its signature checked by Slack's own library. */
export interface AppRequest {
  /** The payload of an interaction, the body of an event, or the fields of a command. */
  payload: Payload;
  headers: Record<string, string>;
  isVerified: boolean;
}

/** A small app that stands where the product stands: one address, signed requests, a Web API client. */
export async function startSmallApp(slack: SlackSandbox) {
  const requests: AppRequest[] = [];
  let respond: (request: AppRequest) => AppAnswer | Promise<AppAnswer> = () => ({});

  const server = createServer((incoming, outgoing) => {
    void read(incoming).then(async (body) => {
      const request = { ...understood(slack.signingSecret, incoming, body) };
      requests.push(request);
      const { status = 200, body: answer = "", delayMs = 0 } = await respond(request);
      setTimeout(
        () =>
          outgoing.writeHead(status, { "content-type": answer.startsWith("{") ? "application/json" : "text/plain" }).end(answer),
        delayMs,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A TCP server that listens has an address with a port.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
  slack.setEventsUrl(url);
  return {
    url,
    requests,
    client: clientOf(slack),
    /** What it answers from now on. */
    onRequest(answer: typeof respond): void {
      respond = answer;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type SmallApp = Awaited<ReturnType<typeof startSmallApp>>;

/** Slack's own client, which neither tries again nor waits, so that a test sees what came. */
export function clientOf(slack: SlackSandbox, token: string | undefined = slack.botToken): webApi.WebClient {
  return new webApi.WebClient(token, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: quiet,
  });
}

const nothing = () => undefined;
export const quiet = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  getLevel: () => webApi.LogLevel.ERROR,
  setName: nothing,
};

async function read(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

function understood(signingSecret: string, incoming: IncomingMessage, body: string): AppRequest {
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  let isVerified = true;
  try {
    verifySlackRequest({
      signingSecret,
      body,
      headers: {
        "x-slack-signature": headers["x-slack-signature"] ?? "",
        "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
      },
    });
  } catch {
    isVerified = false;
  }
  const isJson = headers["content-type"]?.startsWith("application/json") === true;
  const fields = isJson ? {} : Object.fromEntries(new URLSearchParams(body));
  const inside: unknown = isJson ? JSON.parse(body) : fields["payload"] === undefined ? fields : JSON.parse(fields["payload"]);
  // What Slack sent; a test that asks for what this kind has not fails on `undefined`.
  return { payload: inside as Payload, headers, isVerified };
}
