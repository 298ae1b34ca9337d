import { join } from "node:path";
import { z } from "zod";
import { seedSlackPeople } from "../../control/slack-door.ts";
import { createDatabase } from "../../db/database.ts";
import { seedState, userNamed } from "../../slack-sandbox/workspace/seed.ts";
import { baseEnvironment } from "./environment.ts";
import { readJson, type Home } from "./home.ts";
import type { ProcessSpec } from "./supervision/supervised-process.ts";

/** People of a development instance who are the same people in its sandbox; the others there are strangers to it. */
const samePeople = ["ada", "ben", "grace", "george", "pia", "olga"] as const;
/** Where the sandbox's messages go. */
const channelName = "ml-approvals";
const readyWithinMs = 30_000;

const credentialsSchema = z.object({
  signingSecret: z.string(),
  botToken: z.string(),
  teamId: z.string(),
  botId: z.string(),
  botUserId: z.string(),
  apiUrl: z.string(),
});

/** What the environment says of Slack and of mail, for an instance that has a real workspace: nothing of it starts a sandbox. */
export function ownMessages(): Record<string, string> | null {
  const given = Object.entries(process.env).filter(
    (entry): entry is [string, string] => messageSetting.test(entry[0]) && entry[1] !== undefined && entry[1] !== "",
  );
  return given.some(([name]) => name === "SLACK_BOT_TOKEN") ? Object.fromEntries(given) : null;
}

/** Mail is handed on beside a sandbox too. */
export function ownMail(): Record<string, string> {
  const names = ["COUNTERSIGN_SMTP_URL", "COUNTERSIGN_MAIL_FROM", "COUNTERSIGN_MAIL_TO"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

const messageSetting = /^(SLACK_|COUNTERSIGN_SMTP_URL$|COUNTERSIGN_MAIL_|COUNTERSIGN_SECRETS_KEY$)/;

function stateFolder(home: Home): string {
  return home.path("slack-sandbox");
}

/** A small Slack on this machine, for whoever has no workspace at hand. */
export function sandboxProcess(facts: { home: Home; root: string; ports: { slack: number; api: number } }): ProcessSpec {
  const { home, root, ports } = facts;
  const url = `http://127.0.0.1:${ports.slack}`;
  const api = `http://127.0.0.1:${ports.api}`;
  return {
    name: "slack-sandbox",
    command: process.execPath,
    args: [join(root, "slack-sandbox", "main.ts")],
    cwd: root,
    readyWithinMs,
    stopSignal: "SIGTERM",
    env: {
      ...baseEnvironment(),
      SLACK_SANDBOX_PORT: String(ports.slack),
      SLACK_SANDBOX_STATE: stateFolder(home),
      SLACK_SANDBOX_EVENTS_URL: `${api}/slack/events`,
      SLACK_SANDBOX_CONSOLE_URL: api,
    },
    isReady: async () => (await fetch(`${url}/sandbox/health`, { signal: AbortSignal.timeout(2_000) })).ok,
  };
}

/** What server and workers need to take the sandbox for Slack; its secrets were made by itself at its first start. */
export async function sandboxEnvironment(home: Home): Promise<Record<string, string>> {
  const found = credentialsSchema.parse(await readJson(join(stateFolder(home), "credentials.json")));
  const channel = seedState().channels.find((one) => one.name === channelName);
  return {
    SLACK_API_URL: found.apiUrl,
    SLACK_BOT_TOKEN: found.botToken,
    SLACK_SIGNING_SECRET: found.signingSecret,
    SLACK_TEAM_ID: found.teamId,
    SLACK_BOT_ID: found.botId,
    SLACK_BOT_USER_ID: found.botUserId,
    ...(channel && { SLACK_CHANNEL: channel.id }),
  };
}

/** Links the people who are in both. */
export async function linkSandboxPeople(databaseUrl: string): Promise<void> {
  const { users } = seedState();
  const db = createDatabase({ url: databaseUrl, max: 1 });
  try {
    const ids = samePeople.map((name) => userNamed(users, name));
    await seedSlackPeople(db, ids[0]?.team_id ?? "", Object.fromEntries(ids.map((user) => [user.name, user.id])));
  } finally {
    await db.destroy();
  }
}
