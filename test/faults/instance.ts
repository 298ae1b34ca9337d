import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import { ensureTemporalCli } from "../../bin/setup/temporal-cli.mjs";
import { until } from "../world/until.ts";

/** The processes of an instance, by the names of its supervisor. */
export type ProcessName = "postgres" | "temporal" | "server" | "serving" | "worker-lifecycle" | "worker-stages" | "worker-train";

const program = fileURLToPath(new URL("../../bin/dev.ts", import.meta.url));

/** What `npm start` starts, with a home of its own, to be broken on purpose. */
export class FaultInstance {
  readonly home: string;
  private readonly environment: NodeJS.ProcessEnv;
  private supervisor: ChildProcess | null = null;
  private output = "";

  private constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.home = home;
    this.environment = environment;
  }

  static async create(): Promise<FaultInstance> {
    const home = await mkdtemp(join(tmpdir(), "countersign-faults-"));
    const [api, serving, temporal, ui, postgres, slack] = (await anyFreePorts(6)).map(String);
    return new FaultInstance(home, {
      ...process.env,
      COUNTERSIGN_HOME: home,
      COUNTERSIGN_TEMPORAL_CLI: await ensureTemporalCli(),
      COUNTERSIGN_API_PORT: api,
      COUNTERSIGN_SERVING_PORT: serving,
      COUNTERSIGN_TEMPORAL_PORT: temporal,
      COUNTERSIGN_TEMPORAL_UI_PORT: ui,
      COUNTERSIGN_POSTGRES_PORT: postgres,
      COUNTERSIGN_SLACK_SANDBOX_PORT: slack,
    });
  }

  /** Starts all processes; resolves when they are ready. */
  async start(): Promise<void> {
    this.output = "";
    const child = spawn(process.execPath, [program], {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.supervisor = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    await until(
      "the instance is ready",
      () => {
        if (child.exitCode !== null) throw new Error(`The instance ended with ${child.exitCode}:\n${this.output}`);
        return Promise.resolve(this.output.includes("ready after"));
      },
      120_000,
    );
  }

  pid(name: ProcessName): number {
    const record = JSON.parse(readFileSync(join(this.home, "processes", `${name}.json`), "utf8")) as { pid: number };
    return record.pid;
  }

  kill(name: ProcessName): void {
    process.kill(this.pid(name), "SIGKILL");
  }

  /** Kills supervisor and processes in one go, as when the machine loses its power. */
  async killAll(): Promise<void> {
    const names = readdirSync(join(this.home, "processes")).filter((file) => file.endsWith(".json"));
    const pids = names.map((file) => this.pid(file.replace(".json", "") as ProcessName));
    const supervisor = this.supervisor;
    for (const pid of [supervisor?.pid, ...pids.flatMap(withChildren)]) if (pid) tryKill(pid, "SIGKILL");
    if (supervisor && supervisor.exitCode === null && supervisor.signalCode === null) await once(supervisor, "exit");
    this.supervisor = null;
  }

  /** Holds a process and its children still for as long as `during` takes: it neither answers nor refuses. */
  async pausing<Result>(name: ProcessName, during: () => Promise<Result>): Promise<Result> {
    const pids = withChildren(this.pid(name));
    for (const pid of pids) tryKill(pid, "SIGSTOP");
    try {
      return await during();
    } finally {
      for (const pid of pids) tryKill(pid, "SIGCONT");
    }
  }

  async call<Body>(
    as: string,
    method: "GET" | "POST" | "PUT",
    path: string,
    options: { body?: unknown; key?: string; timeoutMs?: number } = {},
  ): Promise<{ status: number; body: Body }> {
    const tokens = JSON.parse(await readFile(join(this.home, "tokens.json"), "utf8")) as Record<string, string>;
    const { api } = JSON.parse(await readFile(join(this.home, "endpoints.json"), "utf8")) as { api: string };
    const response = await fetch(api + path, {
      method,
      headers: {
        authorization: `Bearer ${tokens[as] ?? ""}`,
        "content-type": "application/json",
        ...(options.key && { "idempotency-key": options.key }),
      },
      signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as Body };
  }

  /** A connection of one's own, which may break with its server; end it. */
  async connect(): Promise<pg.Client> {
    const { databaseUrl } = JSON.parse(await readFile(join(this.home, "endpoints.json"), "utf8")) as { databaseUrl: string };
    const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000, query_timeout: 10_000 });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = await this.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Ends it as Ctrl-C does, and removes its home. */
  async end(): Promise<void> {
    const child = this.supervisor;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGINT");
      await once(child, "exit");
    }
    await rm(this.home, { recursive: true, force: true });
  }
}

/** The process and all below it, by /proc. */
function withChildren(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The name in brackets may hold spaces: the fields begin after it.
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      parents.set(Number(name), Number(fields[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const found = [pid];
  for (const known of found) for (const [child, parent] of parents) if (parent === known) found.push(child);
  return found;
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
