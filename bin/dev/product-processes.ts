import { join } from "node:path";
import { acceptsConnections } from "./temporal.ts";
import { baseEnvironment, sourceEnvironment, sweepEnvironment } from "./environment.ts";
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
  logLevel: string;
  /** Slack and mail, for the server and for the worker that delivers messages. */
  messages: Record<string, string>;
  /** The checkout. */
  root: string;
}

/** A worker loads its native module and bundles the workflows: 3 to 6 s, more while all start at once. */
const readyWithinMs = 90_000;

/**
 * Server, serving and three workers. Each gets what it needs and no more: a trainer is other
 * people's code, so its worker has neither database nor keys, and only the server can sign.
 */
export function productProcesses(facts: InstanceFacts): ProcessSpec[] {
  const { keys, databaseUrl } = facts;
  const database = { DATABASE_URL: databaseUrl };
  const verify = { COUNTERSIGN_VERIFY_KEY_FILE: keys.verify };
  const messages = { ...facts.messages, COUNTERSIGN_SECRETS_KEY: facts.messages["COUNTERSIGN_SECRETS_KEY"] ?? keys.secrets };
  const watch = createPollWatch(facts.temporalAddress);
  return [
    {
      ...program(facts, {
        name: "server",
        file: "server.ts",
        env: { ...database, ...verify, ...messages, COUNTERSIGN_SIGNING_KEY_FILE: keys.signing },
      }),
      isReady: () => answers(`http://127.0.0.1:${facts.ports.api}/api/health/live`),
    },
    {
      ...program(facts, { name: "serving", file: "serving.ts", env: { ...database, ...verify } }),
      isReady: () => acceptsConnections(facts.ports.serving),
    },
    worker(facts, {
      watch,
      queue: "lifecycle",
      type: "workflow",
      env: { ...database, ...verify, ...messages, ...sweepEnvironment() },
    }),
    worker(facts, { watch, queue: "stages", type: "activity", env: { ...database, ...sourceEnvironment() } }),
    worker(facts, { watch, queue: "train", type: "activity", env: packageSettings() }),
  ];
}

/** What pip needs of ours to reach a registry; it stops at the training worker, no trainer sees it. */
function packageSettings(): Record<string, string> {
  const given = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && /^(PIP_.*|XDG_CONFIG_HOME|COUNTERSIGN_PYTHON.*|https?_proxy|no_proxy)$/i.test(name)
      ? [[name, value]]
      : [],
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
  const { home, ports, root } = facts;
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
      COUNTERSIGN_HOME: home.folder,
      COUNTERSIGN_LOG_LEVEL: facts.logLevel,
      COUNTERSIGN_API_HOST: "127.0.0.1",
      COUNTERSIGN_API_PORT: String(ports.api),
      COUNTERSIGN_SERVING_HOST: "127.0.0.1",
      COUNTERSIGN_SERVING_PORT: String(ports.serving),
      COUNTERSIGN_SERVING_URL: `http://127.0.0.1:${ports.serving}`,
      COUNTERSIGN_ARTIFACTS: home.artifacts,
      COUNTERSIGN_DATA_ROOT: facts.dataRoot,
      TEMPORAL_ADDRESS: facts.temporalAddress,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_UI_URL: `http://127.0.0.1:${ports.temporalUi}`,
      ...options.env,
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return answer.ok;
}
