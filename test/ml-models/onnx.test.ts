import { readFileSync } from "node:fs";
import onnxProto from "onnx-proto";
import { expect, test } from "vitest";
import { CountersignError } from "../../domain/errors.ts";
import { rankScores } from "../../ml/metrics/ranked-scores.ts";
import { inspectModel } from "../../ml/onnx/inspect-model.ts";
import { checkModelBytes } from "../../ml/onnx/model-bytes.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { trainBaseline } from "../../ml/trainers/baseline.ts";
import type { Feature, FeatureColumns } from "../../ml/trainers/training-data.ts";
import { answerOf } from "../../serving/answer.ts";

const fixtureUrl = (name: string) => new URL(`./fixtures/${name}`, import.meta.url);
const fixture = JSON.parse(readFileSync(fixtureUrl("models.json"), "utf8"));
const features: Feature[] = fixture.features;
const columns: FeatureColumns = Object.fromEntries(
  features.map(({ name, type }) => [
    name,
    type === "float"
      ? Float32Array.from(fixture.columns[name], (value: number | null) => value ?? Number.NaN)
      : fixture.columns[name],
  ]),
);
const sample: FeatureColumns = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(0, 20)]));
const labels = Uint8Array.from(fixture.labels);
const baseline = trainBaseline({ features, parameters: {} }, { rows: labels.length, columns, labels }).onnx;

type Model = onnxProto.onnx.IModelProto;
type Node = onnxProto.onnx.INodeProto;

/** The baseline's bytes with one thing changed. */
function changed(change: (model: Model, nodes: Node[]) => void): Uint8Array {
  const model = onnxProto.onnx.ModelProto.decode(baseline);
  change(model, model.graph!.node!);
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

async function causeOf(
  bytes: Uint8Array,
  more: { maxBytes?: number; wallMs?: number; memoryBytes?: number } = {},
): Promise<string> {
  const error = await inspectModel({ bytes, features, sample, ...more }).then(
    () => new Error("The model was let pass."),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) throw error;
  expect(error.code).toBe("model-refused");
  return error.message;
}

for (const name of ["logistic", "forest"]) {
  test(`a scikit-learn ${name} pipeline passes and scores as it does in Python`, async () => {
    const bytes = readFileSync(fixtureUrl(`sklearn-${name}.onnx`));
    const { output } = await inspectModel({ bytes, features, sample });
    expect(output).toBe("probabilities");
    const scorer = await createScorer({ bytes, features });
    const scores = await scorer.score(columns);
    await scorer.close();
    for (const [row, probability] of scores.entries())
      expect(Math.abs(probability - fixture.pipelines[name][row])).toBeLessThan(1e-6);
  });
}

test("the baseline's model passes its own inspection", async () => {
  const facts = await inspectModel({ bytes: baseline, features, sample });
  expect(facts).toMatchObject({
    producer: "countersign-baseline",
    irVersion: 8,
    opsets: { "ai.onnx": 17, "ai.onnx.ml": 3 },
    output: "probabilities",
  });
});

test.each<[string, (model: Model, nodes: Node[]) => void, string]>([
  [
    "external data",
    (model) =>
      void (model.graph!.initializer![0] = {
        ...model.graph!.initializer![0],
        rawData: null,
        dataLocation: 1,
        externalData: [{ key: "location", value: "/etc/passwd" }],
      } as never),
    "external data",
  ],
  [
    "external data in an attribute",
    (_, nodes) =>
      void nodes[0]!.attribute!.push({
        name: "t",
        type: 4,
        t: { name: "hidden", externalData: [{ key: "location", value: "../x" }] },
      }),
    '"hidden" lies in a file beside',
  ],
  ["an operator of a foreign domain", (_, nodes) => void (nodes[0]!.domain = "com.evil"), 'the domain "com.evil"'],
  [
    "an import of a foreign domain",
    (model) => void model.opsetImport!.push({ domain: "com.microsoft", version: 1 }),
    'operators of the domain "com.microsoft"',
  ],
  [
    "a foreign operator inside a branch",
    (_, nodes) =>
      void nodes.push({
        opType: "If",
        output: ["x"],
        input: ["/called"],
        attribute: [{ name: "then_branch", type: 5, g: { node: [{ opType: "Evil", domain: "evil" }] } }],
      }),
    'Evil is of the domain "evil"',
  ],
  ["a loop", (_, nodes) => void nodes.push({ opType: "Loop", output: ["x"] }), "Loop is not taken"],
  ["functions of its own", (model) => void (model.functions = [{ name: "f" }]), "functions of its own"],
  ["no graph", (model) => void (model.graph = null), "no graph"],
  [
    "an input that is no feature",
    (model) => void (model.graph!.input![0]!.name = "arr_delay"),
    'input "arr_delay" is no feature',
  ],
  ["an input too few", (model) => void model.graph!.input!.pop(), 'no input for the feature "origin"'],
  [
    "an input of the wrong type",
    (model) => void (model.graph!.input![0]!.type!.tensorType!.elemType = 7),
    '"hour" is int64, but the feature is float',
  ],
  [
    "a fixed number of rows",
    (model) => void (model.graph!.input![0]!.type!.tensorType!.shape!.dim![0] = { dimValue: 8 }),
    "must be open",
  ],
  [
    "an operator that does not exist",
    (_, nodes) => void (nodes[0]!.opType = "Frobnicate"),
    "The runtime does not take the model",
  ],
  ["no probabilities among its outputs", (model) => void model.graph!.output!.pop(), "hold no float tensor"],
  [
    "weights that are no numbers",
    (model) =>
      void (model.graph!.initializer!.find(({ name }) => name === "/intercept")!.rawData = new Uint8Array([0, 0, 192, 127])),
    "answers NaN for row 1",
  ],
])("a model with %s is refused", async (_, change, cause) => {
  expect(await causeOf(changed(change))).toContain(cause);
});

test("what can be seen in the bytes is refused before anything is loaded", () => {
  const bytes = changed((_, nodes) => void (nodes[0]!.domain = "com.evil"));
  expect(() => checkModelBytes(bytes, features)).toThrow(CountersignError);
  expect(checkModelBytes(baseline, features).operators).toContain("ai.onnx.ml.LabelEncoder");
});

test("bytes that are no model, cut short, empty or too many are refused", async () => {
  expect(await causeOf(new TextEncoder().encode("not a model"))).toContain("no ONNX model");
  expect(await causeOf(baseline.subarray(0, baseline.length >> 1))).toContain("no ONNX model");
  expect(await causeOf(new Uint8Array(0))).toContain("empty");
  expect(await causeOf(baseline, { maxBytes: 100 })).toContain("100 are allowed");
});

test("an output of maps is refused with the way to convert it", async () => {
  expect(await causeOf(readFileSync(fixtureUrl("sklearn-logistic-zipmap.onnx")))).toContain("zipmap: False");
});

test("bytes that unfold into many times their size end the child, not us", async () => {
  // Four million empty graph nodes of two bytes each.
  const nodes = Buffer.alloc(8_000_000);
  for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a;
  const bytes = Buffer.concat([Buffer.from([0x3a, ...varint(nodes.length)]), nodes]);
  expect(await causeOf(bytes, { memoryBytes: 250 * 2 ** 20 })).toMatch(/took more than \d+ MB of memory/);
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

test.each([
  ["a tensor that claims more than it holds", { dims: [2 ** 40], dataType: 1, name: "/bomb" }, /runtime does not take the model/],
  ["a tensor that grows out of its shape", null, /memory|does not take the model|ended with/],
])("%s is refused, and costs no more than its limit", async (_, tensor, cause) => {
  const bytes = changed((model, nodes) => {
    const shape = { dims: [2], dataType: 7, int64Data: [200_000, 20_000], name: "/bomb-shape" };
    model.graph!.initializer!.push(tensor ?? shape);
    if (tensor === null) nodes.push({ opType: "ConstantOfShape", input: ["/bomb-shape"], output: ["/bomb"] });
    nodes.push({ opType: "ReduceMax", input: ["/bomb"], output: ["bomb"], attribute: [{ name: "keepdims", type: 2, i: 0 }] });
    model.graph!.output!.push({ name: "bomb", type: { tensorType: { elemType: 1, shape: { dim: [] } } } });
  });
  expect(await causeOf(bytes, { memoryBytes: 600 * 2 ** 20 })).toMatch(cause);
});

test("a model that takes too long to load is refused", async () => {
  expect(await causeOf(baseline, { wallMs: 1 })).toContain("took longer than");
});

test("large batches leave the event loop free and agree with single rows", async () => {
  const rows = 200_000;
  const many: FeatureColumns = Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [
      name,
      column instanceof Float32Array
        ? Float32Array.from({ length: rows }, (_, row) => column[row % column.length]!)
        : Array.from({ length: rows }, (_, row) => column[row % column.length]!),
    ]),
  );
  const scorer = await createScorer({ bytes: baseline, features });
  let turns = 0;
  const ticker = setInterval(() => (turns += 1), 1);
  const together = await scorer.score(many);
  clearInterval(ticker);
  const alone = await scorer.score(
    Object.fromEntries(Object.entries(many).map(([name, column]) => [name, column.slice(199_999)])),
  );
  expect(together.length).toBe(rows);
  expect(alone[0]).toBeCloseTo(together[199_999]!, 6);
  expect(turns).toBeGreaterThan(5);
  await scorer.close();
  await expect(scorer.score(many)).rejects.toThrow("ended");
});

test("columns that lack, differ in length or in type are named", async () => {
  const scorer = await createScorer({ bytes: baseline, features });
  const { hour: _, ...lacking } = sample;
  await expect(scorer.score(lacking)).rejects.toThrow("not all there");
  await expect(scorer.score({ ...sample, hour: new Float32Array(3) })).rejects.toThrow("not of one length");
  await expect(scorer.score({ ...sample, hour: Array.from({ length: 20 }, () => "9") })).rejects.toThrow(
    '"hour" is not given as float',
  );
  await scorer.close();
});

/** The baseline's graph, but its answers are these two numbers for every row. */
function answering(negative: number, positive: number): Uint8Array {
  return changed((model, nodes) => {
    for (const node of nodes) node.output = node.output!.map((name) => (name === "probabilities" ? "/own" : name));
    const constant = (name: string, floats: number[]) => ({
      name,
      dims: [floats.length],
      dataType: 1,
      rawData: new Uint8Array(Float32Array.from(floats).buffer),
    });
    model.graph!.initializer!.push(constant("/nought", [0]), constant("/always", [negative, positive]));
    nodes.push({ opType: "Mul", input: ["/own", "/nought"], output: ["/none"] });
    nodes.push({ opType: "Add", input: ["/none", "/always"], output: ["probabilities"] });
  });
}

test("a probability that the rounding of float32 carried past its end is that end, alone, in a thread and in the metrics", async () => {
  const rule = { label: { task: "binary" }, positive: "late", threshold: 0.5 } as const;
  for (const [positive, end] of [
    [1.0000001, 1],
    [1.00003, 1],
    [-0.0000001, 0],
  ] as const) {
    const bytes = answering(1 - positive, positive);
    await inspectModel({ bytes, features, sample });
    const scorer = await createScorer({ bytes, features });
    for (const part of [sample, columns]) {
      const scores = await scorer.score(part);
      expect(new Set(scores)).toEqual(new Set([end]));
      expect(() => rankScores(new Uint8Array(scores.length), scores)).not.toThrow();
      expect(answerOf(scores.subarray(0, 1), rule)).toMatchObject({ probability: end });
    }
    await scorer.close();
  }
});

test("what lies further out than rounding can carry it is refused as no probability", async () => {
  expect(await causeOf(answering(-0.01, 1.01))).toContain("a probability lies between 0 and 1");
});
