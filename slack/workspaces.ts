import { webApi } from "@slack/bolt";
import { CarrierFault } from "../domain/carrier.ts";
import { faultOf } from "./faults.ts";

/** One workspace in which the app is installed. */
export interface Workspace {
  team: string;
  botToken: string;
  botId: string;
  botUserId: string;
}

/** The workspaces that this instance works for. One that is not among them is refused. */
export interface Workspaces {
  find(team: string): Promise<Workspace | null>;
  /** The one that the environment names; null where it names none, or Slack does not answer. */
  first(): Promise<Workspace | null>;
  /**
   * As `find`, or as `first` for null. Throws a CarrierFault that says whether waiting helps (Slack does
   * not answer) or an operator has to do something (no token, or one that does not work).
   */
  need(team: string | null): Promise<Workspace>;
}

export interface WorkspacesOptions {
  /** The environment's own token, with what is known of it; the rest is asked of Slack once. */
  botToken: string | null;
  team?: string | null;
  botId?: string | null;
  botUserId?: string | null;
  /** Others, from the database, their tokens opened. */
  findOther(team: string): Promise<Workspace | null>;
  /** Where this is not empty, only these are served. */
  allowed: string[];
  slackApiUrl?: string | null;
}

/** After a failed question to Slack, the next one is asked so much later. */
const askAgainMs = 3_000;
const timeoutMs = 5_000;

export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  let known: Workspace | null = knownFrom(options);
  let askedAt = 0;
  let asking: Promise<Workspace | null> | null = null;
  /** Why the own workspace is not known. */
  let fault: CarrierFault | null = null;

  async function ask(botToken: string): Promise<Workspace | null> {
    const client = createClient({ token: botToken, slackApiUrl: options.slackApiUrl, timeoutMs });
    const { team_id: team, bot_id: botId, user_id: botUserId } = await client.auth.test();
    return team && botId && botUserId ? { team, botToken, botId, botUserId } : null;
  }

  async function first(): Promise<Workspace | null> {
    const { botToken } = options;
    if (known !== null || botToken === null) return known;
    if (asking === null && Date.now() - askedAt < askAgainMs) return null;
    asking ??= ask(botToken)
      .catch((error: unknown) => {
        fault = faultOf(error, "auth.test");
        return null;
      })
      .finally(() => {
        askedAt = Date.now();
        asking = null;
      });
    known = await asking;
    return known;
  }

  async function find(team: string): Promise<Workspace | null> {
    if (options.allowed.length > 0 && !options.allowed.includes(team)) return null;
    const own = await first();
    return own?.team === team ? own : options.findOther(team);
  }

  return {
    first,
    find,
    async need(team) {
      const workspace = await (team === null ? first() : find(team));
      if (workspace) return workspace;
      // While the own workspace cannot be asked for, any of them may be the one that is meant.
      if (known === null && fault !== null) throw notSent(fault);
      throw new CarrierFault("setup", `No token for ${team === null ? "a workspace" : `the workspace ${team}`} is set up.`, {
        code: "no-workspace",
        cure: "Set SLACK_BOT_TOKEN to the bot token of the app in this workspace (docs/slack.md).",
      });
    },
  };
}

/** Only the question who we are went wrong: no message was under way. */
function notSent({ kind, message, code, cure, retryAfterMs }: CarrierFault): CarrierFault {
  return new CarrierFault(kind, message, { code, cure, retryAfterMs });
}

function knownFrom({ botToken, team, botId, botUserId }: WorkspacesOptions): Workspace | null {
  return botToken && team && botId && botUserId ? { team, botToken, botId, botUserId } : null;
}

/** A client that does not retry by itself (it would for half an hour), and does not wait when Slack says to slow down: its callers do. */
export function createClient(options: {
  token: string;
  slackApiUrl?: string | null | undefined;
  timeoutMs: number;
}): webApi.WebClient {
  return new webApi.WebClient(options.token, clientOptions(options));
}

export function clientOptions({
  slackApiUrl,
  timeoutMs: timeout,
}: {
  slackApiUrl?: string | null | undefined;
  timeoutMs: number;
}) {
  return {
    ...(slackApiUrl && { slackApiUrl }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout,
    allowAbsoluteUrls: false,
    logger: silent,
  };
}

/** Slack's client logs each fault; ours are told where they matter, and no log of it may hold a token. */
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => "error" as webApi.WebClientOptions["logLevel"] & string,
  setName: () => undefined,
};
