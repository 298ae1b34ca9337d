import { afterAll, beforeAll, expect, test } from "vitest";
import { productProcesses } from "../../bin/dev/product-processes.ts";
import type { Home } from "../../bin/dev/home.ts";

/** What the environment of `npm start` may hold, and must reach only those who need it. */
const planted = {
  AWS_SECRET_ACCESS_KEY: "planted",
  COUNTERSIGN_SOURCE_WAREHOUSE: "postgresql://planted",
  COUNTERSIGN_SIGNING_KEY_FILE: "/planted",
  SLACK_BOT_TOKEN: "xoxb-planted",
  PIP_INDEX_URL: "https://planted.example",
  COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS: "false",
  COUNTERSIGN_SWEEP_SECONDS: "60",
  COUNTERSIGN_KEEP_PREDICTIONS_DAYS: "60",
  GITHUB_TOKEN: "planted",
};
const before = { ...process.env };
beforeAll(() => void Object.assign(process.env, planted));
afterAll(() => {
  for (const name of Object.keys(planted)) if (before[name] === undefined) delete process.env[name];
  Object.assign(process.env, before);
});

const home = {
  folder: "/h",
  instance: "i",
  artifacts: "/h/artifacts",
  keys: "/h/keys",
  path: (name: string) => `/h/${name}`,
} as Home;

function environments(): Map<string, Record<string, string>> {
  const specs = productProcesses({
    home,
    ports: { api: 1, serving: 2, temporal: 3, temporalUi: 4, temporalHttp: 7, temporalMetrics: 8, postgres: 5, slack: 6 },
    keys: { signing: "/h/keys/signing.pem", verify: "/h/keys/signing.pub.pem", secrets: "sealing", stages: "stages-seal" },
    databaseUrl: "postgresql://user:password@127.0.0.1:5/countersign",
    temporalAddress: "127.0.0.1:3",
    dataRoot: "/d",
    trainersRoot: "/d",
    protectedPaths: ["/p"],
    logLevel: "info",
    messages: { SLACK_SIGNING_SECRET: "told" },
    root: "/r",
  });
  return new Map(specs.map(({ name, env }) => [name, env]));
}

/** Who gets what: a line a setting that gives access to something. */
const table: Record<string, string[]> = {
  DATABASE_URL: ["server", "serving", "worker-lifecycle", "worker-stages"],
  TEMPORAL_ADDRESS: ["server", "worker-lifecycle", "worker-stages", "worker-train"],
  COUNTERSIGN_SIGNING_KEY_FILE: ["server"],
  COUNTERSIGN_VERIFY_KEY_FILE: ["server", "serving", "worker-lifecycle"],
  COUNTERSIGN_STAGES_KEY: ["worker-lifecycle", "worker-stages"],
  COUNTERSIGN_SECRETS_KEY: ["server", "worker-lifecycle"],
  SLACK_SIGNING_SECRET: ["server", "worker-lifecycle"],
  SLACK_BOT_TOKEN: [],
  AWS_SECRET_ACCESS_KEY: ["worker-stages"],
  COUNTERSIGN_SOURCE_WAREHOUSE: ["worker-stages"],
  COUNTERSIGN_DATA_ROOT: ["worker-stages", "worker-train"],
  COUNTERSIGN_PROTECTED: ["worker-stages", "worker-train"],
  COUNTERSIGN_TRAINERS_ROOT: ["worker-train"],
  COUNTERSIGN_HOME: ["server", "worker-stages", "worker-train"],
  PIP_INDEX_URL: ["worker-train"],
  COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS: ["worker-train"],
  COUNTERSIGN_SWEEP_SECONDS: ["worker-lifecycle"],
  COUNTERSIGN_KEEP_PREDICTIONS_DAYS: ["worker-lifecycle"],
  GITHUB_TOKEN: [],
};

test.each(Object.entries(table))("%s reaches %j", (name, processes) => {
  const having = [...environments()].filter(([, env]) => env[name] !== undefined).map(([process]) => process);
  expect(having).toEqual(processes);
});

test("no process gets a setting that the table does not decide about, but for what says nothing of use to a thief", () => {
  const harmless =
    /^(PATH|USER|LOGNAME|LANG|LC_ALL|TMPDIR|XDG_.*|SSL_CERT_FILE|NODE_.*|COUNTERSIGN_(MODE|LOG_LEVEL|ARTIFACTS|QUEUES|API_HOST|API_PORT|SERVING_HOST|SERVING_PORT|SERVING_URL|TEMPORAL_HTTP_PORT|TEMPORAL_METRICS_PORT|SLACK_SANDBOX_PORT)|TEMPORAL_(NAMESPACE|UI_URL)|COUNTERSIGN_PYTHON.*|PIP_.*|https?_proxy|no_proxy|HOME)$/i;
  const ofSources = /^(AWS_|COUNTERSIGN_SOURCE_|COUNTERSIGN_DATA_HOSTS$)/;
  const decided = (name: string, setting: string) =>
    setting in table || harmless.test(setting) || (name === "worker-stages" && ofSources.test(setting));
  for (const [name, env] of environments())
    expect(
      Object.keys(env).filter((setting) => !decided(name, setting)),
      name,
    ).toEqual([]);
});

test("the path of the private key and its folder are in the server's environment only", () => {
  for (const [name, env] of environments())
    expect(
      Object.values(env).filter((value) => value.startsWith("/h/keys/") && value !== "/h/keys/signing.pub.pem"),
      name,
    ).toEqual(name === "server" ? ["/h/keys/signing.pem"] : []);
});
