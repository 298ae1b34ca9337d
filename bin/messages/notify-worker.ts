import { Client, Connection } from "@temporalio/client";
import { Worker, type WorkerOptions } from "@temporalio/worker";
import { ringCourier } from "../../activities/notify/courier-bell.ts";
import { createMailCarrier } from "../../activities/notify/mail-carrier.ts";
import { createNotifyActivities } from "../../activities/notify/notify-activities.ts";
import type { NotifyDeps } from "../../activities/notify/deps.ts";
import { createWebhookCarrier } from "../../activities/notify/webhook-carrier.ts";
import { taskQueues } from "../../activities/contract.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { createSecretBox } from "../../control/secret-box.ts";
import { listenToAudit } from "../../db/audit-notices.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { reviveFailed } from "../../db/deliveries.ts";
import { createSlackCarrier, ownWorkspace } from "../../slack/carrier.ts";
import type { Config } from "../config.ts";
import { slackWorkspaces } from "./slack-surface.ts";

/** Calls under way to others at once; each waits for an answer most of its time. */
const mostAtOnce = 20;

/** The worker that brings messages to people, and the bell that wakes the courier. */
export async function createNotifyWorker(
  config: Config<"DATABASE_URL" | "TEMPORAL_ADDRESS">,
  common: Pick<WorkerOptions, "connection" | "namespace" | "shutdownGraceTime">,
): Promise<{ worker: Worker; close(): Promise<void> }> {
  const db = createDatabase({ url: config.DATABASE_URL });
  const { deps, close } = await notifyDeps(config, db);
  const client = new Client({
    connection: await Connection.connect({ address: config.TEMPORAL_ADDRESS }),
    namespace: config.TEMPORAL_NAMESPACE,
  });
  const worker = await Worker.create({
    ...common,
    taskQueue: taskQueues.notify,
    activities: createNotifyActivities(deps),
    maxConcurrentActivityTaskExecutions: mostAtOnce,
  });
  const notices = listenToAudit({ url: config.DATABASE_URL });
  const bell = ringCourier({
    db,
    client,
    notices,
    tell: (problem) => void process.stderr.write(`The courier cannot be woken now: ${problem}\n`),
  });
  return {
    worker,
    close: async () => {
      bell.stop();
      close();
      await Promise.allSettled([notices.stop(), db.destroy(), client.connection.close()]);
    },
  };
}

/** The ways that the environment sets up. What was given up while one was wrong is tried again at a start. */
async function notifyDeps(config: Config<"DATABASE_URL">, db: Db): Promise<{ deps: NotifyDeps; close(): void }> {
  const box = createSecretBox(config.COUNTERSIGN_SECRETS_KEY ?? null);
  const { SLACK_BOT_TOKEN: botToken, SLACK_CHANNEL: channel, COUNTERSIGN_SMTP_URL: smtp } = config;
  const workspaces = slackWorkspaces(config, db);
  // Where this worker cannot read the artifacts, messages have no pictures.
  const { COUNTERSIGN_ARTIFACTS: directory } = config;
  const pictures = directory ? createArtifactStore({ directory }) : null;
  const slack = botToken
    ? createSlackCarrier({
        workspaces,
        slackApiUrl: config.SLACK_API_URL ?? null,
        ...(pictures && { readPicture: (digest) => pictures.get(digest) }),
      })
    : undefined;
  const email = smtp ? createMailCarrier({ url: smtp, from: config.COUNTERSIGN_MAIL_FROM }) : undefined;
  for (const way of [...(slack ? ["slack" as const] : []), ...(email ? ["email" as const] : []), "webhook" as const])
    await reviveFailed(db, way);
  return {
    close: () => email?.close(),
    deps: {
      db,
      carriers: {
        ...(slack && { slack }),
        ...(email && { email }),
        webhook: createWebhookCarrier({ db, open: (sealed) => box.open(sealed) }),
      },
      defaults: {
        slack: channel ? { team: config.SLACK_TEAM_ID ?? ownWorkspace, channel } : null,
        emails: config.COUNTERSIGN_MAIL_TO,
      },
      links: {
        publicUrl:
          config.COUNTERSIGN_PUBLIC_URL ?? `http://${config.COUNTERSIGN_API_HOST}:${config.COUNTERSIGN_API_PORT ?? 4400}`,
        temporalUi: config.TEMPORAL_UI_URL ?? null,
        namespace: config.TEMPORAL_NAMESPACE,
      },
    },
  };
}
