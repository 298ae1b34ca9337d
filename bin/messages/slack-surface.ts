import type { Hono } from "hono";
import type { Logger } from "pino";
import type { ControlLimits } from "../../control/deps.ts";
import type { Control } from "../../control/control.ts";
import { createSecretBox } from "../../control/secret-box.ts";
import { createSlackDoor } from "../../control/slack-door.ts";
import type { Db } from "../../db/database.ts";
import { forgetWay, noteWay, noteWayUp, type WayState } from "../../db/message-ways.ts";
import { readWorkspace } from "../../db/slack-workspaces.ts";
import { createSlackApp } from "../../slack/app.ts";
import { checkSlack } from "../../slack/health.ts";
import { createPeople } from "../../slack/people.ts";
import { HonoReceiver } from "../../slack/receiver.ts";
import { createSocketReceiver } from "../../slack/socket-receiver.ts";
import { createWorkspaces, type Workspaces } from "../../slack/workspaces.ts";
import type { Config } from "../config.ts";

/** Slack as the server has it: a route, or a socket; and a look at its health now and then. */
export interface SlackSurface {
  /** Null in Socket Mode. */
  routes: Hono | null;
  close(): Promise<void>;
}

const checkEveryMs = 60_000;

/** Slack shows its own error after 3 s, and the acknowledgement has to travel. */
export const slackLimits: Partial<ControlLimits> = { knownWithinMs: 2_200, recordedWithinMs: 900, reachedWithinMs: 1_500 };

export function slackWorkspaces(config: Config<never>, db: Db): Workspaces {
  const box = createSecretBox(config.COUNTERSIGN_SECRETS_KEY ?? null);
  return createWorkspaces({
    botToken: config.SLACK_BOT_TOKEN ?? null,
    team: config.SLACK_TEAM_ID ?? null,
    botId: config.SLACK_BOT_ID ?? null,
    botUserId: config.SLACK_BOT_USER_ID ?? null,
    allowed: config.SLACK_TEAMS,
    slackApiUrl: config.SLACK_API_URL ?? null,
    findOther: async (team) => {
      const row = await readWorkspace(db, team);
      return row && { team, botToken: box.open(row.bot_token), botId: row.bot_id, botUserId: row.bot_user_id };
    },
  });
}

/** Null where Slack is not set up. `control` has limits that fit Slack's three seconds. */
export async function createSlackSurface(deps: {
  config: Config<never>;
  db: Db;
  control: Control;
  publicUrl: string;
  log: Logger;
}): Promise<SlackSurface | null> {
  const { config, db, control, publicUrl, log } = deps;
  const { SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret, SLACK_APP_TOKEN: appToken } = config;
  if (!botToken || (!signingSecret && !appToken)) {
    void Promise.all([forgetWay(db, "slack"), forgetWay(db, "slack-requests")]).catch(() => undefined);
    if (botToken) log.warn("Slack is set up by half: SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN for Socket Mode) is missing");
    return null;
  }
  const slackApiUrl = config.SLACK_API_URL ?? null;
  const workspaces = slackWorkspaces(config, db);
  const door = createSlackDoor({ db, publicUrl });
  const byDirectory = config.SLACK_DIRECTORY === "email";
  const people = createPeople({ door, byDirectory });
  const told = createTeller({ config, db, log });
  const isAllowed = async (team: string) => (await workspaces.find(team)) !== null;
  const receiver = appToken
    ? createSocketReceiver({
        appToken,
        slackApiUrl,
        door,
        isAllowed,
        log,
        onHealth: (health) => void told.health({ way: "slack-requests", ...health }),
      })
    : new HonoReceiver({
        signingSecret: signingSecret ?? "",
        door,
        isAllowed,
        log,
        onSignature: (isGood) => told.signature(isGood),
      });
  const app = createSlackApp({ control, door, workspaces, people, publicUrl, slackApiUrl, log }, receiver);
  const check = () =>
    checkSlack({ botToken, slackApiUrl, channel: config.SLACK_CHANNEL ?? null, byDirectory }).then((health) =>
      told.health({ way: "slack", ...health }),
    );
  void check();
  const timer = setInterval(() => void check(), checkEveryMs);
  if (appToken) void app.start();
  return {
    routes: receiver instanceof HonoReceiver ? receiver.routes : null,
    async close() {
      clearInterval(timer);
      await app.stop().catch(() => undefined);
    },
  };
}

/**
 * Keeps how Slack stands, for health/ready and the console. A wrong signing secret shows in requests
 * that do not verify while none ever did: anybody can send a forged one, so later ones say nothing.
 */
function createTeller({ config, db, log }: { config: Config<never>; db: Db; log: Logger }) {
  let verified = false;
  let isToldWrong = false;
  const channel = config.SLACK_CHANNEL ?? "";
  const lastCodes = new Map<WayState["way"], string>();
  const health = (state: WayState) => {
    const { way, code, detail, cure } = state;
    // Once each time that it changes, and at the start in any case: a log that says the same every minute is not read.
    if (lastCodes.get(way) !== code) {
      if (code === "ok") log.info({ way }, `Slack: ${detail}`);
      else log.warn({ way, code, cure }, `Slack is not usable as it is set up: ${detail} ${cure}`);
    }
    lastCodes.set(way, code);
    return (code === "ok" ? noteWayUp(db, way, channel) : noteWay(db, state)).catch(() => undefined);
  };
  return {
    health,
    signature(isGood: boolean) {
      if (isGood && !verified) {
        verified = true;
        void health({ way: "slack-requests", code: "ok", detail: "requests verify", cure: "" });
      } else if (!isGood && !verified && !isToldWrong) {
        isToldWrong = true;
        void health({
          way: "slack-requests",
          code: "wrong_signing_secret",
          detail: "Requests come to /slack/events whose signature does not fit, and none that does.",
          cure: "Set SLACK_SIGNING_SECRET to the app's signing secret (Basic Information).",
        });
      }
    },
  };
}
