import { text } from "node:stream/consumers";
import { createSecretBox } from "../control/secret-box.ts";
import { createDatabase } from "../db/database.ts";
import { writeWorkspace } from "../db/slack-workspaces.ts";
import { faultOf } from "../slack/faults.ts";
import { createClient } from "../slack/workspaces.ts";
import { readConfig } from "./config.ts";

/**
 * `npm run slack:add-workspace < token`: asks Slack whose token it is and keeps it sealed. The token
 * comes by the standard input: arguments are seen by every user of the machine.
 */
const timeoutMs = 10_000;
const config = readConfig(process.env, ["DATABASE_URL", "COUNTERSIGN_SECRETS_KEY"]);
const token = (await text(process.stdin)).trim();
const client = createClient({ token, slackApiUrl: config.SLACK_API_URL, timeoutMs });
const { team_id, team, bot_id, user_id } = await client.auth
  .test()
  .catch((error: unknown) => refuse(faultOf(error, "auth.test").message));
if (!team_id || !bot_id || !user_id) refuse("Slack knows this token, but it is no bot's.");
const db = createDatabase({ url: config.DATABASE_URL, max: 1 });
const box = createSecretBox(config.COUNTERSIGN_SECRETS_KEY);
await writeWorkspace(db, {
  team_id,
  name: team ?? team_id,
  bot_token: box.seal(token),
  bot_id,
  bot_user_id: user_id,
  added_by: "operator",
});
await db.destroy();
process.stdout.write(`Serves ${team ?? team_id} (${team_id}).\n`);

function refuse(why: string): never {
  process.stderr.write(`${why} Nothing was kept. Give the bot token of that workspace (xoxb-…) on the standard input.\n`);
  process.exit(1);
}
