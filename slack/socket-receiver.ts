import type { App, Receiver } from "@slack/bolt";
import { SocketModeClient } from "@slack/socket-mode";
import type { SlackDoor } from "../control/slack-door.ts";
import type { SlackLog } from "./deps.ts";
import { teamsOf } from "./request.ts";
import { clientOptions } from "./workspaces.ts";

/** As on the route: what is known later is not acknowledged. */
const ackWithinMs = 2_500;
const timeoutMs = 5_000;

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
}): Receiver {
  const { appToken, slackApiUrl, door, isAllowed, log } = deps;
  const { logger, ...options } = clientOptions({ slackApiUrl, timeoutMs });
  const client = new SocketModeClient({ appToken, clientOptions: options, logger });
  return {
    init(app: App) {
      client.on("slack_event", (event: SocketEvent) => {
        void take(app, event).catch((error: unknown) => log.error({ err: error }, "an envelope of Slack could not be taken"));
      });
    },
    start: () => client.start(),
    stop: () => client.disconnect(),
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
