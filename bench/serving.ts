import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { anyFreePorts } from "../bin/dev/ports.ts";
import { migrateToLatest } from "../db/migrate.ts";
import { createFeatureEngine } from "../ml/features/compute-features.ts";
import { createScorer } from "../ml/onnx/scorer.ts";
import { columnsByName, type FeatureColumns } from "../ml/trainers/training-data.ts";
import { createFlightsFixture, type FlightsFixture } from "../test/serving/flights-fixture.ts";
import { createOwnPostgres } from "../test/serving/own-postgres.ts";
import { until } from "../test/serving/serving-client.ts";
import { createLoad, quantile, type Sample, type Target } from "./serving-load.ts";

/**
 * Predictions a second over HTTP, as a ratio to onnxruntime in Node in the same run, and latency at
 * 200 requests a second. On loopback, some 60 s in all.
 *
 *   node bench/serving.ts                   its own PostgreSQL, flights and prediction server
 *   node bench/serving.ts --home .countersign   the instance that runs there, through its API
 *
 * Every prediction that is counted was checked, made from the request by the feature SQL, and is on
 * record in PostgreSQL (synchronous_commit on). The bare server does none of that.
 */
const forMs = Number(process.env["BENCH_MS"] ?? 4_000);
const version = "flight-delays.1";

const home = process.argv[process.argv.indexOf("--home") + 1];
const postgres = await createOwnPostgres();
const children: ChildProcess[] = [];
let fixture: FlightsFixture | undefined;
try {
  await postgres.start();
  await migrateToLatest(postgres.url);
  fixture = await createFlightsFixture({ url: postgres.url, rows: 5_000 });
  await fixture.addVersion(1);
  await fixture.moveSlot(version);
  const onnx = fixture.manifests.get(version)?.onnx;
  if (onnx === undefined) throw new Error("The fixture has no version 1.");
  const features = await featureRows(fixture);
  const served = process.argv.includes("--home") && home !== undefined ? await instanceAt(home) : await startServer(fixture);
  const bare = await startBare(await fixture.store.pathOf(onnx), fixture);
  const lines: string[][] = [
    [
      "rows a request",
      "clients",
      "predictions/s",
      "p50 ms",
      "p99 ms",
      "bare http + onnxruntime /s",
      "ratio",
      "onnxruntime in process /s",
      "ratio",
    ],
  ];
  for (const rows of [1, 100]) {
    const inProcess = await scoreInProcess(await fixture.store.get(onnx), { fixture, columns: features.columns, rows });
    for (const clients of [8, 32]) {
      const own = await measure(served, { bodies: bodiesOf(fixture.rows, rows), clients, rows });
      const plain = await measure(bare, { bodies: bodiesOf(features.rows, rows), clients, rows });
      lines.push(
        [
          rows,
          clients,
          own.perSecond,
          own.p50,
          own.p99,
          plain.perSecond,
          own.perSecond / plain.perSecond,
          inProcess,
          own.perSecond / inProcess,
        ].map(inWords),
      );
    }
  }
  printTable(lines);
  await measureOpenLoop(served, bodiesOf(fixture.rows, 1));
} finally {
  for (const child of children) child.kill("SIGTERM");
  await fixture?.close();
  await postgres.remove();
}

interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
}

async function measure(
  target: Target,
  { bodies, clients, rows }: { bodies: Buffer[]; clients: number; rows: number },
): Promise<Measured> {
  const load = createLoad(target, clients);
  await load.closedLoop({ bodies, clients, forMs: Math.min(forMs, 1_000) });
  const { samples: all, tookMs } = await load.closedLoop({ bodies, clients, forMs });
  load.close();
  const samples = answered(all);
  return { perSecond: (samples.length * rows * 1000) / tookMs, p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) };
}

async function measureOpenLoop(target: Target, bodies: Buffer[]): Promise<void> {
  const load = createLoad(target, 64);
  const { samples: all } = await load.openLoop({ bodies, perSecond: 200, forMs: 2 * forMs });
  load.close();
  const samples = answered(all);
  console.log(
    `\n200 requests a second of one row, open loop: p50 ${inWords(quantile(samples, 0.5))} ms, p99 ${inWords(quantile(samples, 0.99))} ms, longest ${inWords(quantile(samples, 1))} ms (${samples.length} requests)`,
  );
}

/** Those that were answered; refusals (503 under overload) are told and do not count. */
function answered(samples: Sample[]): Sample[] {
  const good = samples.filter(({ ok }) => ok);
  if (good.length < samples.length) console.log(`(${samples.length - good.length} of ${samples.length} requests were refused)`);
  return good;
}

/** Forty bodies with other rows each. */
function bodiesOf(rows: Record<string, unknown>[], each: number): Buffer[] {
  return Array.from({ length: 40 }, (_, body) =>
    Buffer.from(
      JSON.stringify({ instances: Array.from({ length: each }, (__, row) => rows[(body * each + row) % rows.length]) }),
    ),
  );
}

async function featureRows({
  store,
  spec,
  rows,
}: FlightsFixture): Promise<{ columns: FeatureColumns; rows: Record<string, unknown>[] }> {
  const engine = await createFeatureEngine({ store, spec });
  const computed = await engine.compute(rows);
  await engine.close();
  const plain = rows.map((_, row) =>
    Object.fromEntries(computed.columns.map(({ name, values }) => [name, Number.isNaN(values[row]) ? null : values[row]])),
  );
  return { columns: columnsByName(computed.columns), rows: plain };
}

async function scoreInProcess(
  bytes: Uint8Array,
  input: { fixture: FlightsFixture; columns: FeatureColumns; rows: number },
): Promise<number> {
  const {
    fixture: { spec },
    columns,
    rows,
  } = input;
  const scorer = await createScorer({ bytes, features: spec.features });
  const batch: FeatureColumns = Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [name, values.slice(0, rows)]),
  );
  for (let warm = 0; warm < 200; warm += 1) await scorer.score(batch);
  const start = performance.now();
  let scored = 0;
  for (; performance.now() - start < forMs / 2; scored += rows) await scorer.score(batch);
  const perSecond = (scored * 1000) / (performance.now() - start);
  await scorer.close();
  return perSecond;
}

async function startServer({ directory, tokens, verifyKeyFile }: FlightsFixture): Promise<Target> {
  const [port = 0] = await anyFreePorts(1);
  const env = {
    ...process.env,
    DATABASE_URL: postgres.url,
    COUNTERSIGN_ARTIFACTS: directory,
    COUNTERSIGN_SERVING_PORT: String(port),
    COUNTERSIGN_VERIFY_KEY_FILE: verifyKeyFile,
    COUNTERSIGN_LOG_LEVEL: "error",
  };
  children.push(
    spawn(process.execPath, [new URL("../bin/serving.ts", import.meta.url).pathname], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    }),
  );
  const origin = `http://127.0.0.1:${port}`;
  await until(
    "the prediction server is ready",
    async () =>
      fetch(`${origin}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    30_000,
  );
  return { origin, path: "/api/models/flight-delays/predictions", token: tokens["ada"] ?? "" };
}

async function startBare(path: string, { spec }: FlightsFixture): Promise<Target> {
  const [port = 0] = await anyFreePorts(1);
  const script = new URL("bare-onnx-server.ts", import.meta.url).pathname;
  children.push(
    spawn(process.execPath, [script, String(port), path, JSON.stringify(spec.features)], {
      stdio: ["ignore", "ignore", "inherit"],
    }),
  );
  const origin = `http://127.0.0.1:${port}`;
  await until(
    "the bare server answers",
    async () =>
      fetch(origin, { method: "POST", body: '{"instances":[{}]}' }).then(
        ({ ok }) => ok,
        () => false,
      ),
    30_000,
  );
  return { origin, path: "/", token: "" };
}

async function instanceAt(folder: string): Promise<Target> {
  const read = async (name: string): Promise<Record<string, string>> => JSON.parse(await readFile(join(folder, name), "utf8"));
  const [endpoints, tokens] = [await read("endpoints.json"), await read("tokens.json")];
  return { origin: endpoints["api"] ?? "", path: "/api/models/flight-delays/predictions", token: tokens["ada"] ?? "" };
}

function inWords(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
}

function printTable(lines: string[][]): void {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const [at, line] of lines.entries()) {
    console.log(`| ${line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(" | ")} |`);
    if (at === 0) console.log(`| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  }
}
