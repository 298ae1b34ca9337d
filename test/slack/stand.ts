import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { NativeConnection } from "@temporalio/worker";
import pino from "pino";
import { createApp } from "../../api/app.ts";
import { readConfig } from "../../bin/config.ts";
import { createNotifyWorker } from "../../bin/messages/notify-worker.ts";
import { createSlackSurface, slackLimits } from "../../bin/messages/slack-surface.ts";
import { createConsole } from "../../console/app.ts";
import { createControl } from "../../control/control.ts";
import { appendAudit } from "../../db/audit.ts";
import { seedDevelopment } from "../../control/seed.ts";
import { createSecretBox } from "../../control/secret-box.ts";
import { createSigner } from "../../control/signing.ts";
import { createSlackDoor, seedSlackPeople } from "../../control/slack-door.ts";
import { createSlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { startExternalGate } from "./external-gates.ts";
import { createTestPrefix, temporalAddress } from "../setup/temporal.ts";
import { apply, requestRelease, smallModel, untilGate } from "../world/models.ts";
import { createWorld } from "../world/world.ts";

/** The people who are in both; the others of the sandbox are strangers to the product. */
export const linked = ["ada", "ben", "grace", "george", "pia", "olga"] as const;

export interface SlackStandOptions {
  env?: Record<string, string>;
  rateLimits?: NonNullable<Parameters<typeof createSlackSandbox>[0]>["rateLimits"];
  link?: boolean;
  /** Socket Mode: the product opens the connection, and nobody calls its route. */
  socket?: boolean;
}

/**
 * The whole product with Slack: the sandbox in Slack's place, the server with its route on a port,
 * and the worker that delivers messages, put together by the same functions as in bin/.
 */
export async function openSlackStand(options: SlackStandOptions = {}) {
  const world = await createWorld();
  const home = await mkdtemp(join(tmpdir(), "countersign-slack-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const slack = await createSlackSandbox({
    ...(options.socket !== true && { eventsUrl: `${url}/slack/events` }),
    rateLimits: options.rateLimits ?? false,
  });
  const channel = slack.channels["ml-approvals"].id;
  const config = readConfig(
    {
      COUNTERSIGN_MODE: "development",
      COUNTERSIGN_API_PORT: String(port),
      COUNTERSIGN_PUBLIC_URL: url,
      DATABASE_URL: world.databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: world.namespace,
      TEMPORAL_UI_URL: "http://127.0.0.1:8233",
      COUNTERSIGN_SECRETS_KEY: randomBytes(32).toString("base64"),
      SLACK_API_URL: slack.apiUrl,
      SLACK_BOT_TOKEN: slack.botToken,
      ...(options.socket === true ? { SLACK_APP_TOKEN: slack.appToken } : { SLACK_SIGNING_SECRET: slack.signingSecret }),
      SLACK_CHANNEL: channel,
      COUNTERSIGN_ARTIFACTS: world.artifacts,
      ...options.env,
    },
    ["DATABASE_URL", "TEMPORAL_ADDRESS"],
  );
  const tokens = await seedDevelopment({ databaseUrl: world.databaseUrl, home, mode: "development" });
  if (options.link !== false)
    await seedSlackPeople(world.db, slack.teamId, Object.fromEntries(linked.map((name) => [name, slack.users[name].id])));
  const controlDeps = {
    db: world.db,
    temporal: world.client,
    store: world.store,
    signer: createSigner({ privateKeyPem: world.keys.privateKey }),
    publicUrl: url,
    secrets: createSecretBox(config.COUNTERSIGN_SECRETS_KEY ?? null),
    temporalUiUrl: "http://127.0.0.1:8233",
  };
  const control = createControl(controlDeps);
  const log = pino({ level: "silent" });
  const surface = await createSlackSurface({
    config,
    db: world.db,
    control: createControl({ ...controlDeps, limits: slackLimits }),
    publicUrl: url,
    log,
  });
  const pages = createConsole({
    control,
    slackDoor: createSlackDoor({ db: world.db, publicUrl: url }),
    now: () => new Date(),
    developmentTokens: async () => tokens,
  });
  const rate = { perSecond: 10_000, burst: 10_000 };
  const app = createApp({ control, console: pages, slack: surface?.routes ?? null, development: true, rate });
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port });
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const common = { connection, namespace: world.namespace, shutdownGraceTime: "1s" } as const;
  async function startDelivery() {
    const { worker, close } = await createNotifyWorker(config, common);
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
      await close();
    };
  }
  let stopDelivery = await startDelivery();
  return {
    world,
    slack,
    url,
    control,
    tokens,
    channel,
    config,
    async stopDelivery() {
      await stopDelivery();
      stopDelivery = () => Promise.resolve();
    },
    async startDelivery() {
      stopDelivery = await startDelivery();
    },
    /** A model of its own whose first release waits at its gate, and the message of it. */
    async waiting() {
      const model = createTestPrefix();
      await apply(world, await smallModel(model, "medium"));
      const release = await requestRelease(world, model);
      const gate = await untilGate(world, release);
      return { model, release, gate, message: await messageOf(gate.id) };
    },
    /** A gate of somebody else's workflow that is open, and its message. */
    async asked(change: Parameters<typeof startExternalGate>[1] = {}) {
      const gate = await startExternalGate(world.client, change);
      return { gate, message: await messageOf(gate) };
    },
    messageOf,
    /** One request to the stand's own server, with what only it has: the key that seals secrets. */
    async call<Body>(as: string, method: "GET" | "PUT", path: string, body?: unknown): Promise<{ status: number; body: Body }> {
      const answer = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${tokens[as] ?? ""}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      // The test names the shape that the route answers with.
      return { status: answer.status, body: (await answer.json()) as Body };
    },
    /** Puts a record about a gate into the chain, as a reminder does, so that its message is looked at again. */
    async touch(gate: string) {
      await world.db
        .transaction()
        .execute((trx) =>
          appendAudit(trx, [{ kind: "gate.reminded", actor: "countersign", model: null, subject: gate, data: {} }]),
        );
    },
    async close() {
      await stopDelivery();
      await surface?.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
      await slack.close();
      await connection.close();
      await world.stop();
      await rm(home, { recursive: true, force: true });
    },
  };

  /** The message about a gate in the channel, once it is there. */
  async function messageOf(gate: string) {
    const message = await slack.until(
      () => slack.messages(channel).find((one) => JSON.stringify(one.metadata ?? {}).includes(`gate/${gate}/`)),
      30_000,
    );
    return structuredClone(message);
  }
}

export type SlackStand = Awaited<ReturnType<typeof openSlackStand>>;

async function freePort(): Promise<number> {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  // A TCP server that listens has an address with a port.
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return port;
}
