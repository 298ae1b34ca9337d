import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTrainActivity } from "../activities/train.ts";
import { createArtifactStore } from "../artifacts/artifact-store.ts";
import type { TrainResult } from "../domain/stage-results.ts";
import { pythonTrainers } from "../ml/trainers/python-environment.ts";
import { openDuckDb, quoteText } from "../ml/duckdb.ts";
import { definitionWith, startActivity } from "../test/ml-models/flight-artifacts.ts";
import { testPython } from "../test/world/python.ts";

/**
 * LightGBM on three months of flights (77,911 rows): through the contract of files (the activity whole: job folder,
 * isolation, inspection, artifacts), against the same script started by hand in a folder. The baseline that
 * every release trains besides is told apart. Three rounds in turn; medians. `npm run bench:training`
 */
const rounds = 3;
const features = [
  ...["carrier", "origin", "dest"].map((name) => ({ name, type: "string" as const })),
  ...["hour", "distance", "month", "day"].map((name) => ({ name, type: "float" as const })),
];
const folder = await mkdtemp(join(tmpdir(), "countersign-bench-training-"));
await chmod(folder, 0o711);
const store = createArtifactStore({ directory: join(folder, "artifacts") });
const python = testPython();
const made = await python.prepare({ progress: (now) => process.stdout.write(`${now}\n`), signal: new AbortController().signal });

const data = join(folder, "flights.parquet");
const db = await openDuckDb();
const files = ["01", "02", "03"].map((month) => `'examples/flight-delays/data/flights-2013-${month}.parquet'`).join(", ");
const columns = features.map(({ name, type }) => (type === "float" ? `CAST(${name} AS FLOAT) AS ${name}` : name)).join(", ");
await db.run(
  `COPY (SELECT CAST(row_number() OVER () - 1 AS BIGINT) AS row_id, ${columns}, CAST(arr_delay > 15 AS INTEGER) AS label FROM read_parquet([${files}]) WHERE arr_delay IS NOT NULL) TO ${quoteText(data)} (FORMAT parquet)`,
);
db.close();

async function throughTheEngine(round: number): Promise<{ ms: number; result: TrainResult }> {
  const activity = createTrainActivity({ store, jobsDirectory: join(folder, "jobs"), python });
  const definition = await store.putJson(definitionWith({ train: { trainer: "lightgbm" } }));
  const spec = await store.putJson({ sql: "", request: {}, lookups: {}, features });
  const train = (await store.putFile(data)).digest;
  const input = { model: "flight-delays", release: `flight-delays.${round}`, definition, parameters: {}, spec, train };
  const began = performance.now();
  const result = await startActivity(activity, input).result;
  return { ms: performance.now() - began, result };
}

async function byHand(): Promise<number> {
  const own = await mkdtemp(join(folder, "by-hand-"));
  await copyFile(data, join(own, "train.parquet"));
  const job = { contract: 1, train: "train.parquet", features, label: "label", task: "binary", seed: 7, parameters: {} };
  await writeFile(join(own, "job.json"), JSON.stringify(job));
  const began = performance.now();
  const child = spawn(made.python, ["-B", join(pythonTrainers, "lightgbm_trainer.py")], {
    cwd: own,
    // Its stdin stays open: the end of it would end the trainer.
    stdio: ["pipe", "ignore", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "2", OMP_WAIT_POLICY: "PASSIVE" },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`The script ended with ${code}.`);
  await readFile(join(own, "model.onnx"));
  return performance.now() - began;
}

const median = (values: number[]) => values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
try {
  const engine: number[] = [];
  const trainer: number[] = [];
  const hand: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    hand.push(await byHand());
    const { ms, result } = await throughTheEngine(round);
    engine.push(ms);
    trainer.push(result.durationMs);
  }
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  process.stdout.write(
    [
      `the script by hand                         ${seconds(median(hand))}`,
      `the trainer's process, locked away         ${seconds(median(trainer))}`,
      `the whole stage, inspection and baseline   ${seconds(median(engine))}`,
      `overhead of the contract of files          ${seconds(median(trainer) - median(hand))} in the process, ${seconds(median(engine) - median(hand))} with the baseline`,
      "",
    ].join("\n"),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
