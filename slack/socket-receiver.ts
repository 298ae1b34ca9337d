import { setTimeout as sleep } from "node:timers/promises";
import type { App, Receiver } from "@slack/bolt";
import { SocketModeClient } from "@slack/socket-mode";
import type { SlackDoor } from "../control/slack-door.ts";
import type { SlackLog } from "./deps.ts";
import { faultOf } from "./faults.ts";
import type { SlackHealth } from "./health.ts";
import { teamsOf } from "./request.ts";
import { clientOptions } from "./workspaces.ts";

/** As on the route: what is known later is not acknowledged. */
const ackWithinMs = 2_500;
const timeoutMs = 5_000;
/** The first pause between two tries to open the socket; each is twice the one before, up to the longest. */
const firstPauseMs = 500;
const longestPauseMs = 60_000;
/** One that closes sooner counts as a failure, so that nobody is called on without end. */
const holdsAfterMs = 5_000;

interface SocketEvent {
  ack(answer?: unknown): Promise<void>;
  envelope_id: string;
  body: Record<string, unknown>;
  retry_num?: number;
  retry_reason?: string;
}

/**
 * Socket Mode, for machines that nobody can reach: the same app over a socket that we open. Slack
 * proves itself by the connection, so there is no signature; an envelope is taken once.
 */
export function createSocketReceiver(deps: {
  appToken: string;
  slackApiUrl: string | null;
  door: Pick<SlackDoor, "takeRequest">;
  isAllowed(team: string): Promise<boolean>;
  log: SlackLog;
  /** Told each time that the socket was opened, or could not be. */
  onHealth(health: SlackHealth): void;
}): Receiver {
  const { appToken, slackApiUrl, door, isAllowed, log, onHealth } = deps;
  const { logger, ...options } = clientOptions({ slackApiUrl, timeoutMs });
  // Its own way of coming back gives up, or ends the process, where Slack cannot be reached.
  const client = new SocketModeClient({ appToken, clientOptions: options, logger, autoReconnectEnabled: false });
  const stopping = new AbortController();
  let kept: Promise<void> | undefined;
  return {
    init(app: App) {
      client.on("slack_event", (event: SocketEvent) => {
        void take(app, event).catch((error: unknown) => log.error({ err: error }, "an envelope of Slack could not be taken"));
      });
    },
    start() {
      kept = keepOpen(client, { onHealth, signal: stopping.signal });
      return Promise.resolve();
    },
    async stop() {
      stopping.abort();
      await kept;
    },
  };

  async function take(app: App, { ack, envelope_id, body, retry_num, retry_reason }: SocketEvent): Promise<void> {
    const until = Date.now() + ackWithinMs;
    const allowed = await Promise.all(teamsOf(body).map((team) => isAllowed(team)));
    if (!allowed.includes(true)) return log.warn({}, "an envelope of a workspace that is not on the list was refused");
    if (!(await door.takeRequest(`socket:${envelope_id}`))) return;
    await app.processEvent({
      body,
      ack: async (answer?: unknown) => {
        if (Date.now() < until) await ack(answer);
      },
      ...(retry_num !== undefined && { retryNum: retry_num }),
      ...(retry_reason !== undefined && { retryReason: retry_reason }),
    });
  }
}

/** Opens the socket whenever it is not there, until the signal; then closes it. */
async function keepOpen(
  client: SocketModeClient,
  { onHealth, signal }: { onHealth(health: SlackHealth): void; signal: AbortSignal },
): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  let onGone = () => {};
  client.on("disconnected", () => onGone());
  let failures = 0;
  while (!signal.aborted) {
    const gone = new Promise<void>((resolve) => (onGone = resolve));
    try {
      await client.start();
      const since = Date.now();
      onHealth({ code: "ok", detail: "the socket is open", cure: "" });
      await Promise.race([gone, aborted]);
      if (signal.aborted) await client.disconnect();
      failures = Date.now() - since < holdsAfterMs ? failures + 1 : 0;
    } catch (error) {
      onHealth(healthOf(error));
      failures += 1;
    }
    const pauseMs = failures === 0 ? 0 : Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function healthOf(error: unknown): SlackHealth {
  const { kind, code, message, cure } = faultOf(error, "opening the socket");
  const ownCure = "Set SLACK_APP_TOKEN to an app-level token with connections:write (Basic Information).";
  return { code, detail: message, cure: kind === "setup" ? ownCure : cure };
}
