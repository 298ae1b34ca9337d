import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exampleRow } from "../bin/dev/example/example-row.ts";
import { isPostgresReady } from "../bin/dev/postgres.ts";
import { acceptsConnections } from "../bin/dev/temporal.ts";
import { ensureTemporalCli } from "../bin/setup/temporal-cli.mjs";
import { rootAt } from "../test/setup/root-at.ts";
import { loadDefinitionFile } from "../cli/definition-file.ts";
import { readComposeFile, type Service } from "./production-shape/compose-file.ts";
import { makePlace } from "./production-shape/place.ts";
import { createProcesses } from "./production-shape/processes.ts";
import { healthProgram, programOf } from "./production-shape/programs.ts";
import { call, untilRelease, type RunningInstance } from "./running-instance.ts";

/**
 * docker-compose.yml tried without a container engine: each service's command with its environment
 * as a process, in the order and on the conditions that it names, on a PostgreSQL and the real
 * Temporal server; then a model's life from registration to a prediction, and everything once more
 * over the same state. Builds nothing; needs, once:
 *
 *   go install go.temporal.io/server/cmd/server@v1.32.1 go.temporal.io/server/cmd/tools/sql@v1.32.1
 *   npm run bench:production-shape
 *
 * TEMPORAL_BUILT names the folder of both programs when it is not Go's own (~/go/bin).
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const built = process.env["TEMPORAL_BUILT"] ?? join(process.env["GOPATH"] ?? join(homedir(), "go"), "bin");
const [temporalServer, sqlTool] = [join(built, "server"), join(built, "sql")];
for (const path of [temporalServer, sqlTool])
  if (!existsSync(path)) {
    console.error(`${path} is missing: build it as the head of this file says, or name its folder in TEMPORAL_BUILT.`);
    process.exit(1);
  }

const began = Date.now();
const say = (text: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
const place = await makePlace({ root, temporalServer, sqlTool, temporalCli: await ensureTemporalCli() });
const processes = createProcesses(place.folder, root);
const services = await readComposeFile(join(root, "docker-compose.yml"), place.variables);
const jobs = new Set(
  services.flatMap(([, { depends_on = {} }]) =>
    Object.entries(depends_on)
      .filter(([, { condition }]) => condition === "service_completed_successfully")
      .map(([name]) => name),
  ),
);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void processes.stop().then(() => process.exit(130)));

let isWell = false;
try {
  await startAll();
  await live();
  await processes.stop(["server", "serving", "worker-lifecycle", "worker-stages", "worker-train", "temporal"]);
  say("stopped all but PostgreSQL; now again, over the same state");
  await startAll({ again: true });
  await predict(await instance());
  isWell = true;
  say("all of it holds");
} finally {
  await processes.stop();
  if (isWell) await rm(place.folder, { recursive: true, force: true });
  else console.error(`Logs: ${join(place.folder, "logs")}`);
}

async function startAll({ again = false } = {}): Promise<void> {
  for (const [name, service] of services) {
    if (again && name === "postgres") continue;
    const program = await programOf(service, place, root);
    if (program === null) {
      say(`${name}: left out, there is no program of ${service.image} here`);
      continue;
    }
    if (jobs.has(name)) {
      await processes.run(name, program);
      say(`${name}: done`);
      continue;
    }
    processes.start(name, program);
    await processes.until(name, () => isHealthy(name, service));
    say(`${name}: healthy`);
  }
}

async function isHealthy(name: string, service: Service): Promise<boolean> {
  if (name === "postgres")
    return isPostgresReady(
      `postgres://postgres:${place.variables["POSTGRES_PASSWORD"]}@127.0.0.1:${place.ports.postgres}/postgres`,
    );
  const program = healthProgram(service, place, root);
  if (program === null) return acceptsConnections(place.ports.temporal);
  await processes.run(`${name}-health`, program);
  return true;
}

/** People with tokens, as docs/operations.md has it for the first ones. */
async function instance(): Promise<RunningInstance> {
  const folder = join(place.folder, "people");
  const people = join(folder, "people.yaml");
  await writeFile(
    people,
    [
      "- { id: ada, name: Ada, groups: [ml-engineering], roles: [engineer] }",
      "- { id: grace, name: Grace, groups: [model-risk], roles: [viewer] }",
      "- { id: olga, name: Olga, groups: [platform], roles: [operator, admin] }",
    ].join("\n"),
  );
  const migrate = services.find(([name]) => name === "migrate")?.[1];
  const program = migrate && (await programOf(migrate, place, root));
  if (!program) throw new Error("There is no service migrate.");
  await processes.run("people", { ...program, args: [join(root, "deploy", "people.ts"), people, folder] });
  const files = (await readdir(folder)).filter((name) => name.endsWith(".token"));
  const tokens = await Promise.all(
    files.map(async (name) => [name.replace(/\.token$/, ""), (await readFile(join(folder, name), "utf8")).trim()] as const),
  );
  return {
    api: `http://127.0.0.1:${place.ports.api}`,
    temporalAddress: `127.0.0.1:${place.ports.temporal}`,
    tokens: Object.fromEntries(tokens),
  };
}

async function definition() {
  const { definition: loaded, faults } = await loadDefinitionFile(join(root, "examples", "flight-delays", "model.yaml"));
  if (loaded === null) throw new Error(`The example has faults: ${JSON.stringify(faults)}`);
  return loaded;
}

async function live(): Promise<void> {
  const running = await instance();
  say("people added");
  const applied = await call(running, "ada", { method: "PUT", path: "/api/models/flight-delays", body: await definition() });
  expectStatus("registering", applied, [200, 201]);
  say("flight-delays registered");
  const asked = await call<{ release: string }>(running, "ada", {
    path: "/api/models/flight-delays/releases",
    body: { reason: "production shape" },
  });
  expectStatus("requesting", asked, [202]);
  const id = asked.body.release;
  const waiting = await untilRelease(
    running,
    id,
    ({ state, gates }) => state === "blocked" || (state === "waiting" && gates.some((gate) => gate.state === "open")),
    300_000,
  );
  if (waiting.state === "blocked") throw new Error(`${id} is blocked at ${waiting.stage}: ${JSON.stringify(waiting)}`);
  const gate = waiting.gates.at(-1)?.id ?? "";
  say(`${id} waits at ${gate}`);
  const { body: view } = await call<{ request: { digest: string } }>(running, "grace", { path: `/api/gates/${gate}` });
  const decided = await call(running, "grace", {
    path: `/api/gates/${gate}/decisions`,
    body: { decision: "approve", digest: view.request.digest },
  });
  expectStatus("approving", decided, [200]);
  const ended = await untilRelease(running, id, ({ state }) => state === "ended" || state === "blocked", 120_000);
  if (ended.outcome !== "promoted") throw new Error(`${id} ended as ${ended.outcome ?? ended.state}: ${JSON.stringify(ended)}`);
  say(`approved by grace; ${id} is promoted`);
  await predict(running);
}

async function predict(running: RunningInstance): Promise<void> {
  const row = await exampleRow(await definition(), rootAt(root));
  const until = Date.now() + 30_000;
  for (;;) {
    const answer = await call<{ version: string; predictions: { probability: number }[] }>(running, "ada", {
      path: "/api/models/flight-delays/predictions",
      body: { instances: [row] },
    });
    if (answer.status === 200) return say(`predicted by ${answer.body.version}: ${answer.body.predictions[0]?.probability}`);
    // Serving follows the slot within a second, and after a start loads what it serves.
    if (Date.now() > until) expectStatus("predicting", answer, [200]);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function expectStatus(what: string, answer: { status: number; body: unknown }, good: number[]): void {
  if (!good.includes(answer.status)) throw new Error(`${what} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}
