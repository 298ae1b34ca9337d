import { delimiter, isAbsolute } from "node:path";
import { z } from "zod";
import { type KeepDays, keptDays, leastDays, mostDays } from "../domain/retention.ts";

const port = z.coerce.number().int().min(1).max(65_535);
/** Names between commas. */
const names = z.string().transform((text) =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== ""),
);
const days = (of: keyof KeepDays) => z.coerce.number().int().min(leastDays[of]).max(mostDays).default(keptDays[of]);
const key = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, "must be 32 bytes in base64: openssl rand -base64 32");
const queues = z
  .string()
  .transform((text) => text.split(",").map((name) => name.trim()))
  .pipe(z.array(z.enum(["lifecycle", "stages", "train", "notify"])).min(1));

/**
 * Everything that the environment can say, once, under the names it has there. An empty string is
 * missing. docs/operations.md describes each.
 */
const environmentSchema = z.object({
  COUNTERSIGN_MODE: z.enum(["development", "production"]).default("production"),
  COUNTERSIGN_HOME: z.string().default(".countersign"),
  COUNTERSIGN_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  COUNTERSIGN_API_HOST: z.string().default("127.0.0.1"),
  COUNTERSIGN_API_PORT: port.optional(),
  COUNTERSIGN_SERVING_HOST: z.string().default("127.0.0.1"),
  COUNTERSIGN_SERVING_PORT: port.optional(),
  COUNTERSIGN_SERVING_URL: z.url().optional(),
  COUNTERSIGN_PUBLIC_URL: z.url().optional(),
  COUNTERSIGN_ARTIFACTS: z.string().optional(),
  COUNTERSIGN_OUTBOX: z.string().optional(),
  COUNTERSIGN_INBOX: z.string().optional(),
  COUNTERSIGN_DATA_ROOT: z.string().optional(),
  COUNTERSIGN_PROTECTED: names.default([]),
  COUNTERSIGN_DATA_HOSTS: z
    .string()
    .default("")
    .transform((text) =>
      text
        .split(",")
        .map((host) => host.trim())
        .filter((host) => host !== ""),
    )
    .pipe(
      z.array(
        z
          .string()
          .regex(
            /^(s3:\/\/[a-z0-9.-]+|(\*\.)?[A-Za-z0-9.-]+(:\d+)?)$/,
            "must be hosts such as data.example.com, and buckets such as s3://name",
          ),
      ),
    ),
  // Of the training worker alone:
  COUNTERSIGN_TRAINERS_ROOT: z.string().optional(),
  COUNTERSIGN_EXCHANGE: z.string().optional(),
  COUNTERSIGN_TRAINER_PATHS: z
    .string()
    .default("")
    .transform((text) => text.split(delimiter).filter((path) => path !== ""))
    .pipe(
      z.array(
        z.string().refine((path) => isAbsolute(path) && path !== "/", "must be absolute paths of folders that trainers may read"),
      ),
    ),
  COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true"),
  COUNTERSIGN_PYTHON: z.string().optional(),
  COUNTERSIGN_PYTHON_ENVIRONMENTS: z.string().optional(),
  COUNTERSIGN_TRAININGS_AT_ONCE: z.coerce.number().int().min(1).max(64).default(2),
  COUNTERSIGN_SIGNING_KEY_FILE: z.string().optional(),
  COUNTERSIGN_VERIFY_KEY_FILE: z.string().optional(),
  COUNTERSIGN_STAGES_KEY: key.optional(),
  COUNTERSIGN_QUEUES: queues.optional(),
  COUNTERSIGN_SWEEP_SECONDS: z.coerce.number().int().min(1).max(86_400).default(120),
  // How many days what ages is kept.
  COUNTERSIGN_KEEP_PREDICTIONS_DAYS: days("predictions"),
  COUNTERSIGN_KEEP_ATTEMPTS_DAYS: days("attempts"),
  COUNTERSIGN_KEEP_WINDOWS_DAYS: days("windows"),
  COUNTERSIGN_KEEP_MESSAGES_DAYS: days("messages"),
  COUNTERSIGN_KEEP_SOURCES_DAYS: days("sources"),
  COUNTERSIGN_KEEP_TOKENS_DAYS: days("tokens"),
  COUNTERSIGN_KEEP_ARTIFACTS_DAYS: days("artifacts"),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d+$/, "must be host:port")
    .optional(),
  TEMPORAL_NAMESPACE: z.string().default("default"),
  TEMPORAL_UI_URL: z.url().optional(),
  // Messages to people: docs/slack.md, docs/operations.md.
  SLACK_BOT_TOKEN: z.string().optional(),
  SLACK_SIGNING_SECRET: z.string().optional(),
  SLACK_APP_TOKEN: z.string().optional(),
  SLACK_API_URL: z.url().optional(),
  SLACK_TEAM_ID: z.string().optional(),
  SLACK_BOT_ID: z.string().optional(),
  SLACK_BOT_USER_ID: z.string().optional(),
  SLACK_TEAMS: names.default([]),
  SLACK_CHANNEL: z.string().optional(),
  SLACK_DIRECTORY: z.enum(["off", "email"]).default("off"),
  COUNTERSIGN_SECRETS_KEY: key.optional(),
  COUNTERSIGN_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  COUNTERSIGN_MAIL_FROM: z.string().default("Countersign <countersign@localhost>"),
  COUNTERSIGN_MAIL_TO: names.default([]),
  // Of the development instance alone:
  COUNTERSIGN_POSTGRES_PORT: port.optional(),
  COUNTERSIGN_TEMPORAL_PORT: port.optional(),
  COUNTERSIGN_TEMPORAL_UI_PORT: port.optional(),
  COUNTERSIGN_TEMPORAL_HTTP_PORT: port.optional(),
  COUNTERSIGN_TEMPORAL_METRICS_PORT: port.optional(),
  COUNTERSIGN_SLACK_SANDBOX_PORT: port.optional(),
  COUNTERSIGN_TEMPORAL_CLI: z.string().optional(),
});

export type Environment = z.output<typeof environmentSchema>;
export type SettingName = keyof Environment;
export type Config<Required extends SettingName> = Environment & {
  [Name in Required]: NonNullable<Environment[Name]>;
};

/** All faults of the configuration in one message. */
export class ConfigError extends Error {
  constructor(faults: string[]) {
    super(["The configuration has faults:", ...faults.map((fault) => `  ${fault}`)].join("\n"));
    this.name = "ConfigError";
  }
}

/**
 * The configuration from `env`, in which the `required` settings are there.
 * @throws ConfigError that tells all faults together
 */
export function readConfig<Required extends SettingName>(
  env: NodeJS.ProcessEnv,
  required: readonly Required[],
): Config<Required> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ""));
  const parsed = environmentSchema.safeParse(given);
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  faults.push(...required.filter((name) => given[name] === undefined && !hasDefault(name)).map((name) => `${name}: is missing`));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  // Each required name was just seen to be there, which the compiler cannot follow through the loop.
  return parsed.data as Config<Required>;
}

function hasDefault(name: SettingName): boolean {
  return environmentSchema.shape[name] instanceof z.ZodDefault;
}

const sourcePrefix = "COUNTERSIGN_SOURCE_";

/** The databases that definitions may read, by the name they have there: COUNTERSIGN_SOURCE_WAREHOUSE is `warehouse`. */
export function sourceConnections(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, url]) =>
      name.startsWith(sourcePrefix) && url !== undefined && url.trim() !== ""
        ? [[name.slice(sourcePrefix.length).toLowerCase(), url]]
        : [],
    ),
  );
}

/** How long what ages is kept. */
export function keepDays(config: Environment): KeepDays {
  return {
    predictions: config.COUNTERSIGN_KEEP_PREDICTIONS_DAYS,
    attempts: config.COUNTERSIGN_KEEP_ATTEMPTS_DAYS,
    windows: config.COUNTERSIGN_KEEP_WINDOWS_DAYS,
    messages: config.COUNTERSIGN_KEEP_MESSAGES_DAYS,
    sources: config.COUNTERSIGN_KEEP_SOURCES_DAYS,
    tokens: config.COUNTERSIGN_KEEP_TOKENS_DAYS,
    artifacts: config.COUNTERSIGN_KEEP_ARTIFACTS_DAYS,
  };
}
