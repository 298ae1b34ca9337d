import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readImported } from "../../activities/import-model.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { ruleFindings } from "../../domain/definition-rules.ts";
import { trainSchema } from "../../domain/train-schema.ts";
import { mayHaveSeen } from "../../ml/evaluation/may-have-seen.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { trainBaseline } from "../../ml/trainers/baseline.ts";
import { type Feature, readTrainingData } from "../../ml/trainers/training-data.ts";
import { rootAt } from "../setup/root-at.ts";

const features: Feature[] = [
  { name: "hour", type: "float" },
  { name: "origin", type: "string" },
];
const origin = { trainedBy: "the bank next door", framework: "their own" };
let root: string;
let reference: { inputs: Record<string, number | string | null>[]; outputs: number[] };
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "countersign-import-"));
  const db = await openDuckDb();
  await db.run(
    `COPY (SELECT n AS row_id, CASE WHEN n % 7 > 0 THEN CAST(n % 24 AS FLOAT) END AS hour, 'A' || n % 3 AS origin, CAST(hash(n) % 30 < n % 24 AS INTEGER) AS label FROM range(500) t(n)) TO ${quoteText(join(root, "train.parquet"))} (FORMAT parquet)`,
  );
  db.close();
  const data = await readTrainingData({ path: join(root, "train.parquet"), features, label: "label", orderBy: "row_id" });
  const bytes = trainBaseline({ features, parameters: {} }, data).onnx;
  await writeFile(join(root, "model.onnx"), bytes);
  const scorer = await createScorer({ bytes, features });
  const outputs = [...(await scorer.score(data.columns))];
  await scorer.close();
  const inputs = outputs.map((_, row) => {
    const hour = Number(data.columns["hour"]![row]);
    return { hour: Number.isNaN(hour) ? null : hour, origin: String(data.columns["origin"]![row]) };
  });
  reference = { inputs, outputs };
});
afterAll(() => rm(root, { recursive: true }));

async function importWith(file: unknown) {
  await writeFile(join(root, "reference.json"), typeof file === "string" ? file : JSON.stringify(file ?? null));
  const train = trainSchema.parse({
    trainer: "import",
    model: { file: "model.onnx" },
    origin,
    ...(file === undefined ? {} : { reference: "reference.json" }),
  });
  const prepared = {
    train,
    features,
    label: { task: "binary" as const },
    limits: train.limits,
    trainData: join(root, "train.parquet"),
    validationData: null,
    trainDigest: null,
    job: { features, seed: 7 } as never,
  };
  const store = createArtifactStore({ directory: join(root, "artifacts") });
  const deps = {
    store,
    trainersRoot: rootAt(root, { title: "the trainers' root" }),
    jobsDirectory: join(root, "jobs"),
    allowUnisolated: false,
    sight: { paths: [], never: [] },
    trainers: {},
  };
  return readImported(deps, prepared, unwatched);
}
const refusal = (file: unknown) =>
  importWith(file).then(
    () => new Error("It was let pass."),
    (error: unknown) => error,
  );

test("an imported model is compared with its reference predictions, and the result is on record", async () => {
  expect((await importWith(reference)).summary).toMatch(
    /It answers 500 reference rows as it did where it was trained \(largest difference \d\.\de[-+]\d+\)\.$/,
  );
  expect((await importWith(undefined)).summary).toContain("No reference predictions to compare it with.");
});

test("one that answers otherwise where a value is missing is refused with the worst row", async () => {
  // As skl2onnx's trees do: right but where a value is missing.
  const outputs = reference.outputs.map((output, row) => (reference.inputs[row]!["hour"] === null ? 1 - output : output));
  expect(await refusal({ ...reference, outputs })).toMatchObject({
    code: "model-refused",
    message: expect.stringMatching(
      /^train\.reference is not what this model answers: 72 of 500 rows differ by more than 0\.0001, the most row \d+/,
    ),
    cure: expect.stringContaining("Convert the model again"),
  });
});

test("a reference file that does not fit is refused by what is wrong with it", async () => {
  for (const [file, message] of [
    ["{", "is no valid JSON"],
    [{ inputs: [] }, "must be { inputs: [{ feature: value }], outputs: [number] }"],
    [{ inputs: [{ hour: 1 }], outputs: [0.5] }, "has no text (or null) for origin in input 1"],
    [{ inputs: [{ hour: "1", origin: "A" }], outputs: [0.5] }, "has no number (or null) for hour in input 1"],
    [{ ...reference, outputs: [0.5] }, "has 500 inputs and 1 outputs"],
    [{ ...reference, outputs: reference.outputs.map((p) => [1 - p, p]) }, "has 2 numbers as output 1, and this model answers 1"],
  ] as const)
    expect(await refusal(file)).toMatchObject({ code: "model-refused", message: expect.stringContaining(message) });
});

test("that it may have seen the holdout is said, unless its origin and every row's time rule it out", () => {
  const day = (text: string) => Date.parse(text);
  const times = { values: Float64Array.of(day("2024-03-01"), day("2024-03-05"), day("2024-04-01")) };
  const targets = [0, 1, 0];
  const imported = (more: object) =>
    trainSchema.parse({ trainer: "import", model: { file: "m.onnx" }, origin: { ...origin, ...more } });
  expect(mayHaveSeen(imported({}), { times, targets })).toContain("may have seen the holdout: its origin does not say");
  expect(mayHaveSeen(imported({ trainedUntil: "2024-03-01" }), { times, targets })).toBeNull();
  expect(mayHaveSeen(imported({ trainedUntil: "2024-03-05T12:00:00Z" }), { times, targets })).toContain(
    "may have seen the holdout: 2 of 3 held-out rows are from before 2024-03-05T12:00:00Z",
  );
  const gap = { values: Float64Array.of(Number.NaN, day("2024-03-05"), day("2024-04-01")) };
  expect(mayHaveSeen(imported({ trainedUntil: "2024-03-01" }), { times: gap, targets })).toContain("1 have no time");
  expect(mayHaveSeen(imported({ trainedUntil: "2024-03-01" }), { times: null, targets })).toContain("is not known here");
  expect(mayHaveSeen(trainSchema.parse({}), { times: null, targets })).toBeNull();
});

test("reference predictions belong to an imported model alone", () => {
  const found = ruleFindings({ train: { trainer: "lightgbm", reference: "r.json" } }).map(({ path }) => path.join("."));
  expect(found).toContain("train.reference");
});
