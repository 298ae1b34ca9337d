import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { NativeConnection } from "@temporalio/worker";
import { Hono } from "hono";
import pino from "pino";
import { readConfig } from "../../../bin/config.ts";
import { createNotifyWorker } from "../../../bin/messages/notify-worker.ts";
import { createSlackSurface as createRoute, slackLimits } from "../../../bin/messages/slack-surface.ts";
import { createControl } from "../../../control/control.ts";
import { createSigner } from "../../../control/signing.ts";
import { seedSlackPeople } from "../../../control/slack-door.ts";
import { createSlackSandbox } from "../../../slack-sandbox/sandbox.ts";
import { temporalAddress } from "../../setup/temporal.ts";
import type { ConformanceStand } from "../stand.ts";

/** Those of a development instance who are in Slack, too. */
const people = ["ada", "ben", "grace", "george", "pia", "olga"] as const;

/** Slack beside the surfaces of the suite: the sandbox in its place, the route that it calls, and the worker that delivers messages. */
export async function openSlack({ world }: ConformanceStand) {
  const { port, listen } = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const slack = await createSlackSandbox({ eventsUrl: `${publicUrl}/slack/events`, rateLimits: false });
  await seedSlackPeople(world.db, slack.teamId, Object.fromEntries(people.map((name) => [name, slack.users[name].id])));
  const channel = slack.channels["ml-approvals"].id;
  const config = readConfig(
    {
      COUNTERSIGN_MODE: "development",
      COUNTERSIGN_PUBLIC_URL: publicUrl,
      COUNTERSIGN_API_PORT: String(port),
      COUNTERSIGN_SECRETS_KEY: randomBytes(32).toString("base64"),
      DATABASE_URL: world.databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: world.namespace,
      SLACK_API_URL: slack.apiUrl,
      SLACK_BOT_TOKEN: slack.botToken,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      SLACK_CHANNEL: channel,
    },
    ["DATABASE_URL", "TEMPORAL_ADDRESS"],
  );
  const control = createControl({
    db: world.db,
    temporal: world.client,
    store: world.store,
    signer: createSigner({ privateKeyPem: world.keys.privateKey }),
    publicUrl,
    limits: slackLimits,
  });
  const surface = await createRoute({ config, db: world.db, control, publicUrl, log: pino({ level: "silent" }) });
  if (!surface?.routes) throw new Error("Slack has no route.");
  const server = listen(new Hono().route("/", surface.routes).fetch);
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const delivery = await createNotifyWorker(config, { connection, namespace: world.namespace, shutdownGraceTime: "1s" });
  const running = delivery.worker.run();
  return {
    slack,
    channel,
    links: { publicUrl, temporalUi: null, namespace: world.namespace },
    async close() {
      delivery.worker.shutdown();
      await running;
      await delivery.close();
      await surface.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
      await slack.close();
      await connection.close();
    },
  };
}

export type SlackOfStand = Awaited<ReturnType<typeof openSlack>>;

/** A port that was free a moment ago. */
async function freePort() {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  // A TCP server that listens has an address with a port.
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return { port, listen: (fetch: Hono["fetch"]) => serve({ fetch, hostname: "127.0.0.1", port }) };
}
