import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { Client, Connection } from "@temporalio/client";
import pino from "pino";
import { createApp } from "../api/app.ts";
import { createArtifactStore } from "../artifacts/artifact-store.ts";
import { createConsole } from "../console/app.ts";
import { createControl } from "../control/control.ts";
import type { ControlDeps } from "../control/deps.ts";
import { createSlackDoor } from "../control/slack-door.ts";
import { createSecretBox } from "../control/secret-box.ts";
import { createSigner } from "../control/signing.ts";
import { listenToAudit } from "../db/audit-notices.ts";
import { createDatabase } from "../db/database.ts";
import { readConfig } from "./config.ts";
import { createSlackSurface, slackLimits } from "./messages/slack-surface.ts";
import packageFile from "../package.json" with { type: "json" };

/**
 * The server process: API and console. It opens its door at once and answers 503 with the reason
 * while Postgres or Temporal are away; both are tried again at each request, so nothing has to be
 * restarted when they come back.
 */
const settleEveryMs = 2_000;
const longestPauseMs = 5_000;
const forgetEveryMs = 60 * 60_000;
/** How much of the audit chain may vanish with a restored database without being noticed. */
const rememberEveryMs = 30_000;
/** A request has 10 s to be answered or called pending; a stream is cut off. */
const drainMs = 11_000;

const config = readConfig(process.env, [
  "DATABASE_URL",
  "TEMPORAL_ADDRESS",
  "COUNTERSIGN_ARTIFACTS",
  "COUNTERSIGN_SIGNING_KEY_FILE",
  "COUNTERSIGN_API_PORT",
]);
const logger = pino({ name: "server", level: config.COUNTERSIGN_LOG_LEVEL });
const { COUNTERSIGN_API_HOST: host, COUNTERSIGN_API_PORT: port } = config;
const development = config.COUNTERSIGN_MODE === "development";
if (development && !["127.0.0.1", "localhost", "::1"].includes(host)) {
  logger.fatal({ host }, "a development instance listens on loopback only; set COUNTERSIGN_API_HOST or COUNTERSIGN_MODE");
  process.exit(1);
}

const db = createDatabase({ url: config.DATABASE_URL, max: 20 });
const notices = listenToAudit({ url: config.DATABASE_URL });
const stopping = new AbortController();
// Retries are control's own: it must know whether a call may have arrived.
const connection = Connection.lazy({ address: config.TEMPORAL_ADDRESS, interceptors: [] });
const publicUrl = config.COUNTERSIGN_PUBLIC_URL ?? `http://${host}:${port}`;
const controlDeps: ControlDeps = {
  db,
  notices,
  closing: stopping.signal,
  temporal: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
  store: createArtifactStore({ directory: config.COUNTERSIGN_ARTIFACTS, inbox: config.COUNTERSIGN_INBOX }),
  signer: createSigner({ privateKeyPem: await readFile(config.COUNTERSIGN_SIGNING_KEY_FILE, "utf8") }),
  publicUrl,
  secrets: createSecretBox(config.COUNTERSIGN_SECRETS_KEY ?? null),
  ...(config.TEMPORAL_UI_URL && { temporalUiUrl: config.TEMPORAL_UI_URL }),
};
const control = createControl(controlDeps);
const slack = await createSlackSurface({
  config,
  db,
  control: createControl({ ...controlDeps, limits: slackLimits }),
  publicUrl,
  log: logger,
});
const app = createApp({
  control,
  console: createConsole({
    control,
    slackDoor: createSlackDoor({ db, publicUrl }),
    now: () => new Date(),
    developmentTokens: development ? readDevelopmentTokens : null,
    log: logger,
  }),
  slack: slack?.routes ?? null,
  servingUrl: config.COUNTERSIGN_SERVING_URL ?? null,
  development,
  log: logger,
  version: packageFile.version,
});

const server = serve({
  fetch: app.fetch,
  hostname: host,
  port,
  createServer,
  // Node's own defaults keep a socket that sends its headers slowly for a minute.
  serverOptions: { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 2_000 },
});
server.once("listening", () => logger.info({ host, port }, "answers"));
server.once("error", (error) => {
  logger.fatal({ err: error }, "cannot listen");
  process.exit(1);
});

void settleForever();

/** Pending commands are delivered again for as long as the server runs; an outage only makes the pauses longer. */
async function settleForever(): Promise<void> {
  let forgetAt = Date.now();
  let rememberAt = Date.now();
  for (let pauseMs = settleEveryMs; !stopping.signal.aborted;) {
    await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    if (stopping.signal.aborted) return;
    try {
      const settled = await control.settlePending();
      if (settled > 0) logger.info({ settled }, "pending commands became known");
      pauseMs = settleEveryMs;
      if (Date.now() >= rememberAt) {
        rememberAt = Date.now() + rememberEveryMs;
        await control.rememberHead();
      }
      if (Date.now() < forgetAt) continue;
      await control.forgetOldCommands();
      forgetAt = Date.now() + forgetEveryMs;
    } catch (error) {
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      logger.warn({ err: error }, "pending commands cannot be settled now");
    }
  }
}

async function readDevelopmentTokens(): Promise<Record<string, string>> {
  try {
    const text = await readFile(join(config.COUNTERSIGN_HOME, "tokens.json"), "utf8");
    // Written by the process that seeded the people.
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return {};
  }
}

async function stop(signal: string): Promise<void> {
  if (stopping.signal.aborted) return;
  stopping.abort();
  logger.info({ signal }, "answers what is under way, then ends");
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that was busy is idle once it was answered, and would be kept for the next request.
  const hangUp = setInterval(() => "closeIdleConnections" in server && server.closeIdleConnections(), 50);
  await Promise.race([closed, sleep(drainMs)]);
  clearInterval(hangUp);
  await slack?.close();
  await Promise.allSettled([notices.stop(), db.destroy(), connection.close()]);
  process.exit(0);
}
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));
