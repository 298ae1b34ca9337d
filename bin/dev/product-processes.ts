import { join } from "node:path";
import { acceptsConnections } from "./temporal.ts";
import { baseEnvironment, sourceEnvironment, watchEnvironment } from "./environment.ts";
import { createPollWatch, namespace } from "./temporal-process.ts";
import type { Home } from "./home.ts";
import type { InstancePorts } from "./instance-ports.ts";
import type { KeyFiles } from "./keys.ts";
import type { ProcessSpec } from "./supervision/supervised-process.ts";

/** What the processes of the product are told. */
export interface InstanceFacts {
  home: Home;
  ports: InstancePorts;
  keys: KeyFiles;
  databaseUrl: string;
  temporalAddress: string;
  dataRoot: string;
  trainersRoot: string;
  protectedPaths: string[];
  logLevel: string;
  /** Slack and mail, for the server and for the worker that delivers messages. */
  messages: Record<string, string>;
  /** The checkout. */
  root: string;
}

/** A worker loads its native module and bundles the workflows: 3 to 6 s, more while all start at once. */
const readyWithinMs = 90_000;

/**
 * Server, serving and three workers. Each gets what it needs and no more (test/bin/environments.test.ts has the
 * table): a trainer is other people's code, so its worker has neither database nor keys, and only the server can sign.
 */
export function productProcesses(facts: InstanceFacts): ProcessSpec[] {
  const { home, keys, ports } = facts;
  const database = { DATABASE_URL: facts.databaseUrl };
  const verify = { COUNTERSIGN_VERIFY_KEY_FILE: keys.verify };
  const seals = { COUNTERSIGN_STAGES_KEY: keys.stages };
  const inHome = { COUNTERSIGN_HOME: home.folder };
  const temporal = { TEMPORAL_ADDRESS: facts.temporalAddress, TEMPORAL_NAMESPACE: namespace };
  const data = { COUNTERSIGN_DATA_ROOT: facts.dataRoot, COUNTERSIGN_PROTECTED: facts.protectedPaths.join(",") };
  const messages = {
    COUNTERSIGN_API_HOST: loopback,
    COUNTERSIGN_API_PORT: String(ports.api),
    TEMPORAL_UI_URL: `http://${loopback}:${ports.temporalUi}`,
    ...facts.messages,
    COUNTERSIGN_SECRETS_KEY: facts.messages["COUNTERSIGN_SECRETS_KEY"] ?? keys.secrets,
  };
  const ofServer = {
    COUNTERSIGN_SIGNING_KEY_FILE: keys.signing,
    COUNTERSIGN_SERVING_URL: `http://${loopback}:${ports.serving}`,
  };
  const ofServing = { COUNTERSIGN_SERVING_HOST: loopback, COUNTERSIGN_SERVING_PORT: String(ports.serving) };
  const watch = createPollWatch(facts.temporalAddress);
  return [
    {
      ...program(facts, {
        name: "server",
        file: "server.ts",
        env: { ...database, ...verify, ...temporal, ...messages, ...inHome, ...ofServer },
      }),
      isReady: () => answers(`http://${loopback}:${ports.api}/api/health/live`),
    },
    {
      ...program(facts, { name: "serving", file: "serving.ts", env: { ...database, ...verify, ...ofServing } }),
      isReady: () => acceptsConnections(ports.serving),
    },
    worker(facts, {
      watch,
      queue: "lifecycle",
      type: "workflow",
      env: { ...database, ...verify, ...seals, ...temporal, ...messages, ...watchEnvironment() },
    }),
    worker(facts, {
      watch,
      queue: "stages",
      type: "activity",
      env: { ...database, ...seals, ...temporal, ...inHome, ...data, ...sourceEnvironment(), ...otherPorts(facts) },
    }),
    worker(facts, {
      watch,
      queue: "train",
      type: "activity",
      env: { ...temporal, ...inHome, ...data, ...trainerSettings(), COUNTERSIGN_TRAINERS_ROOT: facts.trainersRoot },
    }),
  ];
}

const loopback = "127.0.0.1";

/** For the process that fetches data: where it must never ask for any. */
function otherPorts({ ports }: InstanceFacts): Record<string, string> {
  return {
    COUNTERSIGN_API_PORT: String(ports.api),
    COUNTERSIGN_SERVING_PORT: String(ports.serving),
    TEMPORAL_UI_URL: `http://${loopback}:${ports.temporalUi}`,
    COUNTERSIGN_TEMPORAL_HTTP_PORT: String(ports.temporalHttp),
    COUNTERSIGN_TEMPORAL_METRICS_PORT: String(ports.temporalMetrics),
    COUNTERSIGN_SLACK_SANDBOX_PORT: String(ports.slack),
  };
}

/** What pip needs of ours to reach a registry, and what the operator says of trainers; it stops at the training worker, no trainer sees it. */
function trainerSettings(): Record<string, string> {
  const handedOn =
    /^(PIP_.*|XDG_CONFIG_HOME|COUNTERSIGN_PYTHON.*|COUNTERSIGN_TRAINER_PATHS|COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS|https?_proxy|no_proxy)$/i;
  const given = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && handedOn.test(name) ? [[name, value]] : [],
  );
  return Object.fromEntries(given) as Record<string, string>;
}

function worker(
  facts: InstanceFacts,
  options: {
    watch: ReturnType<typeof createPollWatch>;
    queue: string;
    type: "workflow" | "activity";
    env: Record<string, string>;
  },
): ProcessSpec {
  const { watch, queue, type, env } = options;
  return {
    ...program(facts, {
      name: `worker-${queue}`,
      file: "worker.ts",
      // Messages are light and have slots of their own: no process for them alone.
      env: { ...env, COUNTERSIGN_QUEUES: queue === "lifecycle" ? "lifecycle,notify" : queue },
    }),
    isReady: ({ at }) => watch.isPolled({ queue, type, since: at }),
  };
}

function program(
  facts: InstanceFacts,
  options: { name: string; file: string; env: Record<string, string> },
): Omit<ProcessSpec, "isReady"> {
  const { home, root } = facts;
  return {
    name: options.name,
    command: process.execPath,
    args: [join(root, "bin", options.file)],
    cwd: root,
    readyWithinMs,
    stopSignal: "SIGTERM",
    env: {
      ...baseEnvironment(),
      COUNTERSIGN_MODE: "development",
      COUNTERSIGN_LOG_LEVEL: facts.logLevel,
      COUNTERSIGN_ARTIFACTS: home.artifacts,
      ...options.env,
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return answer.ok;
}
