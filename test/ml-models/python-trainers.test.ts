import { readdirSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { ApplicationFailure } from "@temporalio/common";
import { beforeAll, expect, test } from "vitest";
import { createTrainActivity } from "../../activities/train.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec, TrainResult } from "../../domain/stage-results.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { findIsolation } from "../../ml/trainers/isolation.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { readTrainingData } from "../../ml/trainers/training-data.ts";
import { scoreValidation } from "../../ml/trainers/validation-score.ts";
import { pythonIsThere, testPython } from "../world/python.ts";
import { createTestStore, definitionWith, startActivity } from "./flight-artifacts.ts";
import { newMarker, processesWith } from "./running-processes.ts";
import { rootAt } from "../setup/root-at.ts";

/**
 * The ready-made trainers as the engine runs them: locked away, on real flights, in all three tasks. Where
 * the machine has no Python that fits, these tests are left out, and the run says so.
 */
const there = await pythonIsThere();
const python = testPython();

const labels = {
  binary: { sql: "CAST(arr_delay > 15 AS INTEGER)", label: { task: "binary" } },
  multiclass: {
    sql: "CASE WHEN arr_delay <= 0 THEN 0 WHEN arr_delay <= 15 THEN 2 ELSE 1 END",
    label: { task: "multiclass", classes: ["early", "late", "on time"] },
  },
  regression: { sql: "CAST(arr_delay AS DOUBLE)", label: { task: "regression" } },
} satisfies Record<string, { sql: string; label: LabelSpec }>;
type TaskName = keyof typeof labels;

const features: FeatureSpec["features"] = [
  { name: "carrier", type: "string" },
  { name: "origin", type: "string" },
  { name: "hour", type: "float" },
  { name: "distance", type: "float" },
  { name: "gap", type: "float" },
];

let store: ArtifactStore;
let directory: string;
const data = new Map<TaskName, { path: string; spec: `sha256:${string}`; train: `sha256:${string}` }>();

/** Every fourth flight of January; `gap` is missing for some, an empty carrier stands for a missing one. */
beforeAll(async () => {
  ({ store, directory } = await createTestStore());
  const db = await openDuckDb();
  for (const [task, { sql, label }] of Object.entries(labels) as [TaskName, (typeof labels)[TaskName]][]) {
    const path = `${directory}/${task}.parquet`;
    await db.run(
      `COPY (SELECT CAST(row_number() OVER () - 1 AS BIGINT) AS row_id, CASE WHEN flight % 50 = 0 THEN '' ELSE carrier END AS carrier, origin, CAST(hour AS FLOAT) AS hour, CAST(distance AS FLOAT) AS distance, CASE WHEN flight % 7 > 0 THEN CAST(flight % 7 AS FLOAT) END AS gap, ${sql} AS label FROM read_parquet('examples/flight-delays/data/flights-2013-01.parquet') WHERE arr_delay IS NOT NULL AND flight % 4 = 0) TO ${quoteText(path)} (FORMAT parquet)`,
    );
    const spec: FeatureSpec = { sql: "", request: {}, lookups: {}, features, label };
    data.set(task, { path, spec: await store.putJson(spec), train: (await store.putFile(path)).digest });
  }
  db.close();
});

async function train(task: TaskName, section: object, release = "flight-delays.1"): Promise<TrainResult> {
  const { spec, train: trainData } = data.get(task)!;
  const activity = createTrainActivity({ store, jobsDirectory: `${directory}/jobs`, python, trainersRoot: rootAt(directory) });
  const definition = await store.putJson(definitionWith({ train: section }));
  const input = { model: "flight-delays", release, definition, parameters: {}, spec, train: trainData };
  return startActivity(activity, input).result;
}

/** The message, and what a trainer that gave up printed: it may quote data, so it stays in an artifact and out of the message. */
async function saidOfRefused(section: object): Promise<string> {
  const failure: unknown = await train("binary", section).then(
    () => null,
    (error: unknown) => error,
  );
  if (!(failure instanceof ApplicationFailure)) throw new Error("It was not refused.", { cause: failure });
  const [{ extra }] = failure.details as [{ extra: { log?: Digest } }];
  return `${failure.message}\n${extra.log === undefined ? "" : await store.getText(extra.log)}`;
}

async function scored(task: TaskName, model: `sha256:${string}`) {
  const { path } = data.get(task)!;
  const { label } = labels[task];
  const rows = await readTrainingData({ path, features, label: "label", task: label, orderBy: "row_id" });
  const scorer = await createScorer({ bytes: await store.get(model), features, label });
  const scores = await scorer.scoreAll(rows.columns);
  await scorer.close();
  return scoreValidation(task === "regression" ? "rmse" : "logLoss", scores, rows.targets);
}

test.skipIf(!there).each<[TaskName, string, object]>([
  ["binary", "lightgbm", { num_iterations: 60 }],
  ["multiclass", "lightgbm", { num_iterations: 40 }],
  ["regression", "lightgbm", { num_iterations: 60 }],
  ["multiclass", "scikit-learn", { estimator: "random-forest", n_estimators: 10 }],
  ["regression", "scikit-learn", { estimator: "hist-gradient-boosting", max_iter: 30 }],
])(
  "a %s model by %s (%o) beats the baseline that is trained beside it",
  { timeout: 180_000 },
  async (task, trainer, parameters) => {
    const made = await train(task, { trainer, parameters });
    expect(made.environment["python lock"]).toMatch(/^sha256:/);
    expect(made.baseline).toMatch(/^sha256:/);
    expect(await scored(task, made.model)).toBeLessThan(await scored(task, made.baseline!));
  },
);

test.skipIf(!there)(
  "LightGBM gives the same bytes twice, ends early by the validation rows and keeps what is monotone",
  async () => {
    const section = {
      trainer: "lightgbm",
      parameters: { num_iterations: 400, learning_rate: 0.3 },
      earlyStopping: { rounds: 5 },
      monotone: { hour: "increasing" },
      classWeights: "balanced",
    };
    const one = await train("binary", section);
    const two = await train("binary", section, "flight-delays.2");
    expect(two.model).toBe(one.model);
    // Five rounds without getting better were made after the best one.
    const [, best, made] = /^.*ONNX\. (\d+) rounds .*, the best of (\d+) by the validation rows/.exec(one.summary) ?? [];
    expect(Number(made)).toBe(Number(best) + 5);
    const scorer = await createScorer({ bytes: await store.get(one.model), features });
    const hours = Float32Array.from({ length: 24 }, (_, hour) => hour);
    const same = <T>(value: T) => Array.from({ length: 24 }, () => value);
    const scores = await scorer.score({
      carrier: same("UA"),
      origin: same("EWR"),
      hour: hours,
      distance: Float32Array.from(same(700)),
      gap: Float32Array.from(same(Number.NaN)),
    });
    await scorer.close();
    for (let hour = 1; hour < 24; hour += 1) expect(scores[hour]!).toBeGreaterThanOrEqual(scores[hour - 1]! - 1e-6);
    // Weights that balance the classes draw the mean towards a half.
    expect(scores.reduce((sum, score) => sum + score, 0) / 24).toBeGreaterThan(0.3);
  },
  120_000,
);

test.skipIf(!there).each([
  [
    { trainer: "lightgbm", parameters: { num_leafs: 5 } },
    "train.parameters.num_leafs is not taken by this trainer. Did you mean num_leaves?",
  ],
  [
    { trainer: "lightgbm", monotone: { carrier: "increasing" } },
    "train.monotone.carrier: the feature is text, which has no order.",
  ],
  [{ trainer: "lightgbm", classWeights: { late: 2, absent: 3 } }, "train.classWeights.absent: is no class"],
  [{ trainer: "scikit-learn", parameters: { estimator: "svm" } }, "train.parameters.estimator must be one of"],
])("%o is refused with a sentence that names the field", { timeout: 60_000 }, async (section, sentence) => {
  expect(await saidOfRefused(section)).toContain(sentence);
});

/** Ignores its stop signal, starts two more that do, one of them out of its group, and then writes more than it may. */
const deaf = `import json, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
marker = str(json.load(open("job.json"))["parameters"]["marker"])
for apart in (False, True):
    subprocess.Popen(["sleep", marker], start_new_session=apart)
print("hears nothing from now on", flush=True)
open("heap.bin", "wb").write(b"x" * 3 * 2**20)
while True:
    time.sleep(1)
`;

test.skipIf(!there)(
  "a Python trainer that ignores its stop signal is killed with all that it started, and the finding says so",
  async () => {
    const marker = newMarker();
    const files = `${directory}/deaf`;
    await mkdir(files);
    // Python opens its script by the whole path, so that the trainer's user must get through.
    await chmod(directory, 0o711);
    await writeFile(`${files}/deaf.py`, deaf);
    const section = {
      trainer: "command",
      command: ["{python}", "trainer/deaf.py"],
      files: "deaf",
      parameters: { marker },
      limits: { outputMb: 1 },
    };
    const failure = await train("binary", section).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: "trainer-output",
      nonRetryable: true,
      message: expect.stringMatching(/passed 1 MB .* It did not end at SIGTERM, and was killed with all that it had started\./),
    });
    expect(processesWith(marker)).toEqual([]);
    expect(readdirSync(`${directory}/jobs`)).toEqual([]);
  },
  60_000,
);

test.skipIf(!there || (await findIsolation()).way === null)(
  "no job can leave anything in the Python environment of the next",
  async () => {
    const code = [
      "import os, site, sys, sklearn",
      "folders = [*site.getsitepackages(), sys.prefix, sys.base_prefix, os.path.dirname(sklearn.__file__)]",
      "names = ['poison.pth', 'sitecustomize.py', '__pycache__/poison.pyc', 'bin/python', 'pyvenv.cfg']",
      "def poisons(path):",
      "  try: open(path, 'a').close(); return True",
      "  except OSError: return False",
      "print('poisoned', sum(poisons(os.path.join(folder, name)) for folder in folders for name in names))",
      "sys.exit(1)",
    ].join("\n");
    const section = { trainer: "command", command: ["{python}", "-c", code] };
    expect(await saidOfRefused(section)).toContain("poisoned 0");
  },
);
