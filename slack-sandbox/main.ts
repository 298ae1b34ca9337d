/**
 * The Slack sandbox as a process: listens where the environment says until SIGTERM or Ctrl-C. Its
 * credentials are in `<SLACK_SANDBOX_STATE>/credentials.json`.
 */
import { z } from "zod";
import { createSlackSandbox } from "./sandbox.ts";

const empty = (value: unknown) => (value === "" ? undefined : value);
const environment = z.object({
  SLACK_SANDBOX_PORT: z.preprocess(empty, z.coerce.number().int().min(0).max(65_535).default(0)),
  SLACK_SANDBOX_STATE: z.preprocess(empty, z.string().default(".slack-sandbox")),
  SLACK_SANDBOX_EVENTS_URL: z.preprocess(empty, z.url().optional()),
  SLACK_SANDBOX_CONSOLE_URL: z.preprocess(empty, z.url().optional()),
  SLACK_SANDBOX_RATE_LIMITS: z.preprocess(empty, z.enum(["on", "off"]).default("on")),
});

const parsed = environment.safeParse(process.env);
if (!parsed.success) {
  process.stderr.write(`The environment has faults:\n${z.prettifyError(parsed.error)}\n`);
  process.exit(2);
}
const settings = parsed.data;
const sandbox = await createSlackSandbox({
  port: settings.SLACK_SANDBOX_PORT,
  stateFolder: settings.SLACK_SANDBOX_STATE,
  ...(settings.SLACK_SANDBOX_EVENTS_URL === undefined ? {} : { eventsUrl: settings.SLACK_SANDBOX_EVENTS_URL }),
  consoleUrl: settings.SLACK_SANDBOX_CONSOLE_URL ?? null,
  rateLimits: settings.SLACK_SANDBOX_RATE_LIMITS === "on",
});
process.stdout.write(`${JSON.stringify({ level: "info", msg: "the Slack sandbox listens", url: sandbox.url })}\n`);

async function stop(): Promise<void> {
  await sandbox.close();
  process.exit(0);
}
process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
