import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import pino from "pino";
import { createApp } from "../../api/app.ts";
import { createConsole } from "../../console/app.ts";
import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { createControl } from "../../control/control.ts";
import type { ControlLimits } from "../../control/deps.ts";
import { seedDevelopment } from "../../control/seed.ts";
import { createSigner } from "../../control/signing.ts";
import { listenToAudit } from "../../db/audit-notices.ts";
import { startServing } from "../../serving/service.ts";
import type { World } from "../world/world.ts";

/**
 * The API and the console on a port of their own, put together as bin/server.ts does, with the
 * `endpoints.json` and `tokens.json` of a development instance in `home`.
 */
export async function openSite(world: World, { limits, serves }: { limits?: Partial<ControlLimits>; serves?: boolean } = {}) {
  const home = await mkdtemp(join(tmpdir(), "countersign-site-"));
  const tokens = await seedDevelopment({ databaseUrl: world.databaseUrl, home, mode: "development" });
  const notices = listenToAudit({ url: world.databaseUrl });
  const closing = new AbortController();
  const socket = createServer();
  const url = await new Promise<string>((resolve) => {
    socket.listen(0, "127.0.0.1", () => {
      // A TCP server that listens has an address with a port.
      resolve(`http://127.0.0.1:${(socket.address() as AddressInfo).port}`);
    });
  });
  await new Promise((resolve) => socket.close(resolve));
  const control = createControl({
    db: world.db,
    temporal: world.client,
    store: world.store,
    signer: createSigner({ privateKeyPem: world.keys.privateKey }),
    notices,
    closing: closing.signal,
    publicUrl: url,
    temporalUiUrl: "http://127.0.0.1:8233",
    ...(limits === undefined ? {} : { limits }),
  });
  const serving =
    serves === true
      ? await startServing({
          databaseUrl: world.databaseUrl,
          store: world.store,
          verifier: createCommandVerifier({ publicKeyPem: world.keys.publicKey }),
          host: "127.0.0.1",
          port: 0,
          logger: pino({ level: "silent" }),
        })
      : null;
  const pages = createConsole({ control, now: () => new Date(), developmentTokens: async () => tokens });
  const app = createApp({
    control,
    console: pages,
    servingUrl: serving?.origin ?? null,
    development: true,
    rate: { perSecond: 10_000, burst: 10_000 },
  });
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await writeFile(join(home, "endpoints.json"), JSON.stringify({ api: url, console: url }));
  await writeFile(join(home, "tokens.json"), JSON.stringify(tokens), { mode: 0o600 });
  return {
    url,
    home,
    tokens,
    control,
    async close() {
      closing.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
      await serving?.stop();
      await notices.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export type Site = Awaited<ReturnType<typeof openSite>>;
