import { migrateToLatest } from "../../db/migrate.ts";
import { seedDevelopment } from "../../control/seed.ts";
import type { LocalRoot } from "../../files/local-root.ts";
import type { Display } from "./display.ts";
import { openHome, writePrivate, type Home } from "./home.ts";
import { choosePorts, type InstancePorts } from "./instance-ports.ts";
import { ensureKeys } from "./keys.ts";
import { endLeftovers } from "./supervision/leftovers.ts";
import { takeLock } from "./supervision/lock.ts";
import { ensureDatabase, preparePostgres } from "./postgres-process.ts";
import { productProcesses } from "./product-processes.ts";
import { linkSandboxPeople, ownMail, ownMessages, sandboxEnvironment, sandboxProcess } from "./slack-process.ts";
import { createSupervisor, type Supervisor } from "./supervision/supervisor.ts";
import { ensureNamespace, prepareTemporal } from "./temporal-process.ts";
import type { Failure } from "./supervision/supervised-process.ts";

export interface InstanceOptions {
  homeFolder: string;
  temporalCli: string;
  dataRoot: string;
  trainersRoot: string;
  /** The data root, as definitions may have it read. */
  data: LocalRoot;
  /** What else is to be protected than the home. */
  protectedPaths: string[];
  logLevel: string;
  root: string;
  ports: Parameters<typeof choosePorts>[1];
}

/** A running development instance. */
export interface Instance {
  home: Home;
  endpoints: Endpoints;
  tokens: Record<string, string>;
  /** Resolves when a process was given up. */
  failed: Promise<Failure>;
}

export interface Endpoints {
  api: string;
  console: string;
  slackSandbox: string | null;
  serving: string;
  temporalUi: string;
  temporalAddress: string;
  databaseUrl: string;
}

/** What must be undone when the instance ends, also one that did not come up wholly. */
export interface Teardown {
  end(): Promise<void>;
}

/** Takes the home, ends what an earlier start left, and gives what begins and ends all processes. */
export async function takeHome(
  options: InstanceOptions,
  display: Display,
): Promise<{ home: Home; supervisor: Supervisor; teardown: Teardown }> {
  const home = await openHome(options.homeFolder);
  const releaseLock = await takeLock(home);
  const supervisor = createSupervisor({ home, tell: (line) => display.line(`! ${line}`) });
  const teardown = {
    async end() {
      await supervisor.stop();
      await releaseLock();
    },
  };
  try {
    const ended = await endLeftovers(home);
    if (ended.length > 0) display.line(`  ended what an earlier start left running: ${ended.join(", ")}`);
  } catch (error) {
    await releaseLock();
    throw error;
  }
  return { home, supervisor, teardown };
}

/** Brings everything up, in the order of what needs what. */
export async function startInstance(
  options: InstanceOptions,
  parts: { home: Home; supervisor: Supervisor; display: Display },
): Promise<Instance> {
  const { home, supervisor, display } = parts;
  const ports = await choosePorts(home, options.ports);
  const keys = await ensureKeys(home);
  const { postgres, temporal } = await display.step("PostgreSQL and Temporal", async () => {
    const prepared = await preparePostgres(home, ports.postgres);
    const server = await prepareTemporal({ home, cli: options.temporalCli, ports });
    await supervisor.start([prepared.spec, server.spec]);
    await Promise.all([ensureDatabase(prepared), ensureNamespace(server.address)]);
    return { postgres: prepared, temporal: server };
  });
  const tokens = await display.step("tables, people and tokens", async () => {
    await migrateToLatest(postgres.ownerUrl);
    return seedDevelopment({
      databaseUrl: postgres.url,
      home: home.folder,
      mode: process.env["COUNTERSIGN_MODE"] || "development",
    });
  });
  await writePrivate(home.path("tokens.json"), `${JSON.stringify(tokens, null, 2)}\n`);
  const endpoints = endpointsOf(ports, {
    databaseUrl: postgres.url,
    temporalAddress: temporal.address,
    hasSandbox: ownMessages() === null,
  });
  await writePrivate(home.path("endpoints.json"), `${JSON.stringify(endpoints, null, 2)}\n`);
  const messages = await startSlack(options, { ...parts, ports, databaseUrl: postgres.url });
  await display.step("server, serving and workers", () =>
    supervisor.start(
      productProcesses({
        messages,
        home,
        ports,
        keys,
        databaseUrl: postgres.url,
        temporalAddress: temporal.address,
        dataRoot: options.dataRoot,
        trainersRoot: options.trainersRoot,
        protectedPaths: options.protectedPaths,
        logLevel: options.logLevel,
        root: options.root,
      }),
    ),
  );
  return { home, endpoints, tokens, failed: supervisor.failed };
}

/** The workspace that the environment names, or else a sandbox; gives what server and workers are told of it. */
async function startSlack(
  options: InstanceOptions,
  of: { home: Home; supervisor: Supervisor; display: Display; ports: InstancePorts; databaseUrl: string },
): Promise<Record<string, string>> {
  const own = ownMessages();
  if (own !== null) return own;
  const { home, supervisor, display, ports, databaseUrl } = of;
  return display.step("Slack sandbox", async () => {
    await supervisor.start([sandboxProcess({ home, root: options.root, ports })]);
    await linkSandboxPeople(databaseUrl);
    return { ...ownMail(), ...(await sandboxEnvironment(home)) };
  });
}

function endpointsOf(
  ports: InstancePorts,
  addresses: { databaseUrl: string; temporalAddress: string; hasSandbox: boolean },
): Endpoints {
  const { hasSandbox, ...rest } = addresses;
  const at = (port: number) => `http://127.0.0.1:${port}`;
  return {
    api: at(ports.api),
    console: at(ports.api),
    slackSandbox: hasSandbox ? at(ports.slack) : null,
    serving: at(ports.serving),
    temporalUi: at(ports.temporalUi),
    ...rest,
  };
}
