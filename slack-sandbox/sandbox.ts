import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createDeliverer } from "./delivery/delivery.ts";
import { createResponseUrls } from "./delivery/response-urls.ts";
import { createSockets } from "./delivery/sockets.ts";
import { createTriggers } from "./delivery/triggers.ts";
import { createFaults } from "./faults.ts";
import { createHandle, type SlackSandbox } from "./handle.ts";
import { createHttp } from "./http.ts";
import { eventSettings, limitsOf, type SandboxOptions } from "./options.ts";
import type { Scene } from "./people/context.ts";
import { createEvents } from "./people/events.ts";
import type { Api } from "./web-api/method.ts";
import { createRateLimiter } from "./web-api/rate-limits.ts";
import type { WebApiCall } from "./web-api/routes.ts";
import { ensureCredentials, loadState, writeCredentials } from "./workspace/state-file.ts";
import { appId, botId, botUserId, teamId } from "./workspace/seed.ts";
import { createWorkspace } from "./workspace/workspace.ts";

const maxCalls = 5_000;
const maxComplaints = 500;

/** Starts a sandbox and resolves once it listens. See README.md for what it is faithful in and what not. */
export async function createSlackSandbox(options: SandboxOptions = {}): Promise<SlackSandbox> {
  const { stateFolder: folder } = options;
  const now = options.now ?? Date.now;
  const credentials = await ensureCredentials(folder, options.credentials);
  const workspace = createWorkspace({ state: await loadState(folder), folder, now });
  const server = createServer();
  const url = await listen(server, { port: options.port ?? 0, host: options.host ?? "127.0.0.1" });
  const faults = createFaults();
  const triggers = createTriggers(now);
  const sockets = createSockets(() => url);
  const responseUrls = createResponseUrls(workspace, () => url);
  const deliverer = createDeliverer({
    signingSecret: credentials.signingSecret,
    faults,
    sockets,
    touched: () => workspace.touched(),
    now: Date.now,
  });
  deliverer.setUrl(options.eventsUrl ?? null);
  const calls: WebApiCall[] = [];
  const complaints: string[] = [];
  const complain = (sentence: string) => {
    complaints.push(sentence);
    if (complaints.length > maxComplaints) complaints.shift();
    workspace.touched();
  };
  const scene: Scene = { workspace, deliverer, triggers, responseUrls, complain };
  const events = createEvents(scene, eventSettings(options));
  const token = { isRevoked: false };
  const api: Api = { workspace, credentials, triggers, url, newSocketUrl: () => sockets.newUrl(), complain };
  const limits = limitsOf(options.rateLimits);
  const handle = createHandle({ scene, events, faults, sockets, credentials, calls, complaints, token, url });
  const app = createHttp({
    handle,
    responseUrls,
    workspace,
    consoleUrl: options.consoleUrl ?? null,
    webApi: {
      api,
      faults,
      limiter: limits === null ? null : createRateLimiter(limits, now),
      isRevoked: () => token.isRevoked || faults.take("token-revoked") !== null,
      record(call) {
        calls.push(call);
        if (calls.length > maxCalls) calls.shift();
        workspace.touched();
      },
    },
  });
  sockets.attach(server);
  const listener = getRequestListener(app.fetch);
  server.on("request", (request, response) => void listener(request, response));
  if (folder !== undefined)
    await writeCredentials(folder, { ...credentials, teamId, appId, botId, botUserId, url, apiUrl: `${url}/api/` });
  return {
    ...handle,
    async close() {
      events.close();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await workspace.close();
    },
  };
}

function listen(server: Server, at: { port: number; host: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => {
      server.off("error", reject);
      // A TCP server that listens has an address with a port.
      resolve(`http://${at.host}:${(server.address() as AddressInfo).port}`);
    });
  });
}

export type { SlackSandbox } from "./handle.ts";
