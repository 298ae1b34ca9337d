import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { FeatureSpec, FeaturizeResult } from "../../domain/stage-results.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { readTrainingData } from "../../ml/trainers/training-data.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

/** From the definition to the answer over HTTP by the prediction server, a process of its own, for what is no yes or no. */
let world: World;
let folder: string;
let serving: ChildProcess;
let origin: string;
let token: string;

beforeAll(async () => {
  world = await createWorld();
  folder = await mkdtemp("node_modules/.cache/trainers-");
  const [port] = await anyFreePorts(1);
  origin = `http://127.0.0.1:${port}`;
  token = world.tokens["ada"] ?? "";
  const verifyKey = join(folder, "signing.pub.pem");
  await writeFile(verifyKey, world.keys.publicKey);
  serving = spawn(process.execPath, ["bin/serving.ts"], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env["PATH"] ?? "",
      DATABASE_URL: world.databaseUrl,
      COUNTERSIGN_ARTIFACTS: world.artifacts,
      COUNTERSIGN_SERVING_PORT: String(port),
      COUNTERSIGN_VERIFY_KEY_FILE: verifyKey,
      COUNTERSIGN_LOG_LEVEL: "error",
    },
  });
});
afterAll(async () => {
  if (serving?.exitCode === null) {
    serving.kill("SIGTERM");
    await once(serving, "exit");
  }
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The credits ask another question; what only a yes or no has is left out. */
async function promoted(
  model: string,
  label: ResolvedDefinition["label"],
  change: (one: ResolvedDefinition) => void = () => undefined,
) {
  const definition = await smallModel(model, "low", (one) => {
    const { fairness: _, costs: __, bands: ___, ...evaluate } = one.evaluate;
    one.label = label;
    one.evaluate = { ...evaluate, thresholds: {}, protected: ["sex"] };
    change(one);
  });
  await apply(world, definition);
  const release = await untilState(world, await requestRelease(world, model), ["ended", "blocked"], 150_000);
  expect(release).toMatchObject({ outcome: "promoted", blocked: null });
  return release.id;
}

interface Prediction {
  label: string | null;
  probability: number | null;
  probabilities?: Record<string, number>;
  value?: number;
}

async function predict(model: string, instances: object[]): Promise<Prediction[]> {
  return until(`answers of ${model}`, async () => {
    const response = await fetch(`${origin}/api/models/${model}/predictions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ instances }),
    }).catch(() => null);
    // It starts, or has not heard of the slot yet.
    if (response === null || response.status === 409 || response.status === 404) return null;
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    // What the route promises; what it does not keep shows below.
    return ((await response.json()) as { predictions: Prediction[] }).predictions;
  });
}

const rows = 20;

/** The first requests of the holdout, and what the model says of their features as the evaluation saw them. */
async function examined(release: string) {
  const { manifest } = await world.db
    .selectFrom("versions")
    .select("manifest")
    .where("id", "=", release)
    .executeTakeFirstOrThrow();
  const { result } = await world.db
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", release)
    .where("stage", "=", "featurize")
    .executeTakeFirstOrThrow();
  // What the featurize stage put there.
  const { holdout, holdoutRequests } = result as unknown as FeaturizeResult;
  const { features, label = { task: "binary" as const }, request } = await world.store.getJson<FeatureSpec>(manifest.features);
  const data = await readTrainingData({
    path: await world.store.pathOf(holdout),
    features,
    label: "label",
    task: label,
    orderBy: "row_id",
    limit: rows,
  });
  const scorer = await createScorer({ bytes: await world.store.get(manifest.onnx), features, label });
  const scores = await scorer.scoreAll(data.columns);
  await scorer.close();
  const db = await openDuckDb();
  const columns = Object.keys(request).join(", ");
  const found = await db.rows(
    `SELECT ${columns} FROM read_parquet(${quoteText(await world.store.pathOf(holdoutRequests))}) ORDER BY row_id LIMIT ${rows}`,
  );
  db.close();
  // DuckDB gives whole numbers of 64 bits as texts.
  const plain = (name: string, value: unknown) => (request[name] === "string" ? value : Number(value));
  const instances = found.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(name, value)])),
  );
  return { scores, instances, label, onnx: manifest.onnx };
}

test("a model of several classes is served with a probability a class, as it was evaluated", async () => {
  const id = await promoted("housing", { name: "housing", sql: "housing", task: "multiclass" }, (one) => {
    one.features.sql = one.features.sql.replace("  housing,\n", "");
  });
  const { scores, instances, label } = await examined(id);
  if (label.task !== "multiclass") throw new Error("The label has no classes.");
  expect(label.classes).toEqual(["free", "own", "rent"]);
  const answers = await predict("housing", instances);
  expect(answers).toHaveLength(rows);
  for (const [row, answer] of answers.entries()) {
    const expected = scores.values.subarray(row * scores.width, (row + 1) * scores.width);
    const told = label.classes.map((name) => answer.probabilities?.[name] ?? Number.NaN);
    for (const [index, probability] of told.entries()) expect(probability).toBeCloseTo(expected[index] ?? Number.NaN, 5);
    const likeliest = label.classes[expected.indexOf(Math.max(...expected))];
    expect(answer).toMatchObject({ label: likeliest, probability: Math.max(...told) });
    expect(answer.value).toBeUndefined();
  }
}, 240_000);

test("a regression is served as a value, and its ONNX file, brought as a model of one's own, serves the same", async () => {
  const amount = { name: "amount", sql: "credit_amount", task: "regression" } as const;
  const withoutAmount = (one: ResolvedDefinition) => {
    one.features.sql = one.features.sql
      .replace("  ln(credit_amount) AS log_amount,\n", "")
      .replace("  credit_amount / duration AS monthly_amount,\n", "");
  };
  const id = await promoted("amount", amount, withoutAmount);
  const { scores, instances, onnx } = await examined(id);
  const answers = await predict("amount", instances);
  for (const [row, answer] of answers.entries()) {
    expect(answer).toMatchObject({ label: null, probability: null });
    expect(Math.abs((answer.value ?? Number.NaN) - scores.values[row]!)).toBeLessThan(
      1e-4 * Math.abs(scores.values[row]!) + 1e-3,
    );
  }

  await writeFile(join(folder, "amount.onnx"), await world.store.get(onnx));
  const brought = await promoted("amount-brought", amount, (one) => {
    withoutAmount(one);
    one.train = {
      ...one.train,
      trainer: "import",
      model: { file: join(folder, "amount.onnx") },
      origin: { trainedBy: "a house next door", framework: "its own 3.1" },
      parameters: {},
    };
  });
  expect((await examined(brought)).onnx).toBe(onnx);
  const same = await predict("amount-brought", instances);
  expect(same.map(({ value }) => value)).toEqual(answers.map(({ value }) => value));
}, 300_000);
