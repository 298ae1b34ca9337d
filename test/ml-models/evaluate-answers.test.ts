import { beforeAll, expect, test } from "vitest";
import { evaluationCharts } from "../../charts/evaluation-charts.ts";
import { chartPng, chartSvg } from "../../charts/render.ts";
import { ruleFindings } from "../../domain/definition-rules.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { type AnsweredHoldout, evaluateAnswers } from "../../ml/evaluation/evaluate-answers.ts";
import { createRandom } from "../../ml/metrics/random.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { definitionWith } from "./flight-artifacts.ts";

const rows = 1500;

/** A seeded world: `signal` says something of the label, and the group "b" is treated worse. */
function drawWorld(seed: number, count = rows) {
  const random = createRandom(seed);
  const unit = () => random() / 2 ** 32;
  const normal = () => Math.sqrt(-2 * Math.log(unit() + 1e-12)) * Math.cos(2 * Math.PI * unit());
  const signal = Float64Array.from({ length: count }, normal);
  const group = Array.from(signal, () => (unit() < 0.3 ? "b" : "a"));
  const age = Float64Array.from(signal, () => 20 + Math.floor(50 * unit()));
  const times = Float64Array.from(signal, (_, row) => Date.UTC(2026, 0, 1) + row * 3_600_000);
  return { unit, normal, signal, group, age, times };
}

function definitionFor(evaluate: object, label: object = {}): ResolvedDefinition {
  const base = definitionWith({ evaluate: { thresholds: {}, bootstrapRounds: 60, ...evaluate } });
  return { ...base, label: { ...base.label, ...label } };
}

function holdoutOf(
  world: ReturnType<typeof drawWorld>,
  given: Partial<AnsweredHoldout> & Pick<AnsweredHoldout, "targets" | "answers" | "label">,
): AnsweredHoldout {
  return {
    definition: definitionFor({}),
    championVersion: null,
    request: [
      { name: "group", kind: "text", values: world.group },
      { name: "age", kind: "number", values: world.age },
    ],
    times: { by: "at", values: world.times },
    conditions: [],
    seed: 7,
    ...given,
  };
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Of rows in group b the score knows nothing, and says yes more often. */
function binaryHoldout(seed: number, given: Partial<AnsweredHoldout> = {}, count = rows): AnsweredHoldout {
  const world = drawWorld(seed, count);
  const targets = world.signal.map((x) => (world.unit() < logistic(1.5 * x) ? 1 : 0));
  const score = (noise: number) =>
    Float32Array.from(world.signal, (x, row) => {
      const heard = world.group[row] === "b" ? world.normal() + 1 : 1.5 * x + noise * world.normal();
      return logistic(heard);
    });
  const answers = {
    candidate: { width: 1, values: score(0.2) },
    champion: { width: 1, values: score(1.5) },
    baseline: { width: 1, values: score(3) },
  };
  return holdoutOf(world, { targets, answers, label: { task: "binary" }, championVersion: "m.1", ...given });
}

let found: Evaluation;
beforeAll(async () => {
  const definition = definitionFor({
    thresholds: { auc: { pass: 0.7, fail: 0.6 } },
    protected: ["group", "age"],
    bands: { age: [30, 69] },
    fairness: { selectionRateDifference: { pass: 0.1, fail: 0.5 }, selectionRateRatio: { pass: 0.8, fail: 0.2 } },
    costs: { falsePositive: 1, falseNegative: 4 },
  });
  found = await evaluateAnswers(binaryHoldout(1, { definition }), unwatched);
});

test("a better candidate is told from champion and baseline, by DeLong for AUC and resamples for the rest", () => {
  const auc = found.metrics.find(({ metric }) => metric === "auc")!;
  expect(auc.change!.low).toBeGreaterThan(0);
  expect(auc.test).toMatchObject({ method: "delong" });
  expect(auc.test!.p).toBeLessThan(0.01);
  expect(auc.overBaseline!.value).toBeGreaterThan(auc.change!.value);
  expect(auc.margin).toBeCloseTo(auc.candidate.value - 0.7, 12);
  expect(found.metrics.find(({ metric }) => metric === "logLoss")!.test).toMatchObject({ method: "paired-bootstrap" });
  expect(found.baseline).toMatchObject({ metric: "auc", outcome: "better" });
});

test("the slice that the model knows nothing about leads, and only it is called worse", () => {
  const { rows: slices, tested, correction } = found.slices!;
  expect(slices[0]).toMatchObject({ slice: "group = b", worse: true });
  expect(slices[0]!.corrected).toBeGreaterThan(slices[0]!.p);
  expect(slices.filter(({ worse }) => worse)).toHaveLength(1);
  expect(tested).toBe(slices.length);
  expect(correction).toBe("holm");
  expect(slices[0]!.flips!.rows).toBeGreaterThan(0);
});

test("a gap between protected groups is a warning or a fail, and a group of few rows is not compared", () => {
  const [group, age] = found.fairness!;
  expect(group).toMatchObject({ attribute: "group", limit: expect.any(Number), verdict: "warn" });
  const difference = group!.measures.find(({ measure }) => measure === "selectionRateDifference")!;
  expect(difference.gap!.low).toBeGreaterThan(0.1);
  expect(difference.between).toEqual(["b", "a"]);
  const ratio = group!.measures.find(({ measure }) => measure === "selectionRateRatio")!;
  expect(ratio.gap!.value).toBeLessThan(1);
  expect(age!.groups.map(({ group: name }) => name)).toEqual(["below 30", "30 to below 69", "69 and above"]);
  expect(age!.groups.at(-1)).toMatchObject({ tooFew: true });
  expect(found.verdict).toBe("warn");
});

test("where no group has enough rows it says too few, and the candidate does not pass in silence", async () => {
  const definition = definitionFor({ protected: ["group"], fairness: { minimumRows: 5000 } });
  const { fairness, verdict } = await evaluateAnswers(binaryHoldout(2, { definition }), unwatched);
  expect(fairness![0]).toMatchObject({ gap: null, verdict: "too-few" });
  expect(fairness![0]!.sentence).toContain("too few to say");
  expect(verdict).toBe("warn");
});

test("the best threshold costs less than the deployed one, and says on which rows it was chosen", () => {
  const { deployed, best, regret, chosenOn } = found.costs!;
  expect(best.cost).toBeLessThan(deployed.cost.value);
  // Missing a positive costs four times as much: call earlier.
  expect(best.threshold).toBeLessThan(deployed.threshold);
  expect(regret.value).toBeCloseTo(deployed.cost.value - best.cost, 12);
  expect(chosenOn).toBe("holdout");
});

test("windows of time that are all alike differ by no more than chance; one that is not is noticed", async () => {
  expect(found.stability!.windows.length).toBeGreaterThan(3);
  expect(found.stability!.test!.p).toBeGreaterThan(0.01);
  const holdout = binaryHoldout(3);
  // In the last third the scores are turned round.
  const { values } = holdout.answers.candidate;
  for (let row = 1000; row < rows; row += 1) values[row] = 1 - values[row]!;
  const { stability } = await evaluateAnswers(holdout, unwatched);
  expect(stability!.test!.p).toBeLessThan(1e-6);
});

test("every picture has letters, as SVG and as PNG", async () => {
  const charts = evaluationCharts(found);
  expect(charts.map(({ name }) => name)).toEqual([
    "metric-change",
    "slices",
    "fairness",
    "calibration",
    "roc",
    "scores",
    "costs",
    "stability",
  ]);
  for (const { spec, title } of charts) expect(await chartSvg(spec), title).toMatch(/<text[^>]*>[^<]+<\/text>/);
  const svg = await chartSvg(charts[2]!.spec);
  const png = await chartPng(svg);
  expect(Buffer.from(png.subarray(1, 4)).toString()).toBe("PNG");
  // Without a font resvg draws the same picture without letters: fewer bytes, and no error.
  const wordless = await chartPng(svg.replaceAll(/<text[^>]*>[^<]*<\/text>/g, ""));
  expect(png.length).toBeGreaterThan(wordless.length * 1.3);
});

const three: LabelSpec = { task: "multiclass", classes: ["high", "low", "middle"] };

function multiclassHoldout(seed: number, classes = 3): AnsweredHoldout {
  const world = drawWorld(seed);
  const targets = world.signal.map((x) => Math.min(classes - 1, Math.max(0, Math.round(x + 1))));
  const values = Float32Array.from({ length: rows * 3 }, (_, at) =>
    Math.exp(-((world.signal[Math.floor(at / 3)]! + 1 - (at % 3)) ** 2)),
  );
  for (let row = 0; row < rows; row += 1) {
    const sum = values[row * 3]! + values[row * 3 + 1]! + values[row * 3 + 2]!;
    for (let k = 0; k < 3; k += 1) values[row * 3 + k] = values[row * 3 + k]! / sum;
  }
  const answers = { candidate: { width: 3, values }, champion: null, baseline: null };
  const definition = definitionFor(
    { thresholds: { macroAuc: { pass: 0.8, fail: 0.6 } }, protected: ["group"] },
    { task: "multiclass" },
  );
  return holdoutOf(world, { targets, answers, label: three, definition });
}

test("a multiclass model is told class by class, with the same tests, slices and groups", async () => {
  const evaluation = await evaluateAnswers(multiclassHoldout(4), unwatched);
  expect(evaluation).toMatchObject({
    task: "multiclass",
    classes: three.classes,
    positives: null,
    confusion: null,
    verdict: "pass",
  });
  expect(evaluation.headline.metric).toBe("macroAuc");
  expect(evaluation.slices!.metric).toBe("accuracy");
  expect(evaluation.fairness![0]!.measures.map(({ measure }) => measure)).toEqual([
    "selectionRateDifference",
    "accuracyDifference",
  ]);
});

test("a threshold on what these rows cannot tell fails the evaluation and names the metric", async () => {
  // Only two of the three classes occur.
  await expect(evaluateAnswers(multiclassHoldout(5, 2), unwatched)).rejects.toMatchObject({
    code: "evaluation-failed",
    message: expect.stringContaining("AUC, mean of classes"),
  });
});

test("a regression is told by its errors, with calibration in the label's own unit", async () => {
  const world = drawWorld(6);
  const targets = world.signal.map((x) => 100 + 20 * x + 5 * world.normal());
  const candidate = Float32Array.from(world.signal, (x) => 100 + 20 * x);
  const champion = Float32Array.from(world.signal, (x) => 90 + 15 * x);
  const definition = definitionFor({ thresholds: { rmse: { pass: 6, fail: 9 } }, protected: ["group"] }, { task: "regression" });
  const answers = { candidate: { width: 1, values: candidate }, champion: { width: 1, values: champion }, baseline: null };
  const evaluation = await evaluateAnswers(
    holdoutOf(world, { targets, answers, label: { task: "regression" }, definition, championVersion: "m.1" }),
    unwatched,
  );
  const rmse = evaluation.metrics[0]!;
  expect(rmse.metric).toBe("rmse");
  expect(rmse.candidate.value).toBeGreaterThan(4.5);
  expect(rmse.candidate.value).toBeLessThan(5.5);
  expect(rmse.change!.high).toBeLessThan(0);
  expect(evaluation).toMatchObject({ flips: null, baseRate: null, verdict: "pass" });
  for (const { predicted, observed } of evaluation.calibration) expect(Math.abs(predicted - observed)).toBeLessThan(3);
  expect(evaluation.fairness![0]!.verdict).toBe("pass");
});

test("few rows are said to be few, and a pass that they do not settle is told as such", async () => {
  const definition = definitionFor({ thresholds: { auc: { pass: 0.7, fail: 0.5 } } });
  const few = await evaluateAnswers(binaryHoldout(8, { definition }, 60), unwatched);
  expect(few.notes!.join(" ")).toContain("Only 60 rows are held out");
  const auc = few.metrics[0]!;
  expect(auc.candidate.high - auc.candidate.low).toBeGreaterThan(0.1);
  expect(auc.settled).toBe(false);
  expect(few.notes!.join(" ")).toContain("these rows do not settle");
  const strict = definitionFor({ thresholds: { auc: { pass: auc.candidate.value - 0.01, fail: 0.5 } }, judgeBy: "interval" });
  // By the interval, few rows cannot pass by luck.
  expect((await evaluateAnswers(binaryHoldout(8, { definition: strict }, 60), unwatched)).verdict).toBe("warn");
});

test("twelve rows, one label and answers that are none end with a clear word", async () => {
  const twelve = await evaluateAnswers(binaryHoldout(9, {}, 12), unwatched);
  expect(twelve.slices!.rows).toEqual([]);
  expect(twelve.slices!.tooFew).toBeGreaterThan(0);
  const failing = async (change: (holdout: AnsweredHoldout) => void) => {
    const holdout = binaryHoldout(10);
    change(holdout);
    const error = await evaluateAnswers(holdout, unwatched).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CountersignError);
    return (error as CountersignError).message;
  };
  expect(await failing(({ targets }) => targets.fill(1))).toContain("have the label 1");
  expect(await failing(({ answers }) => answers.candidate.values.set([Number.NaN], 4))).toContain("row 5 is NaN");
  expect(await failing(({ answers }) => answers.champion!.values.set([1.5], 0))).toContain(
    "The champion gives no usable answers",
  );
});

test("a definition is told at once where its evaluation does not fit its task, its columns or itself", () => {
  const told = ruleFindings({
    label: { task: "regression" },
    features: { request: { group: "string", age: "number" } },
    evaluate: {
      thresholds: { auc: { pass: 0.7, fail: 0.6 }, r2: { pass: 2, fail: 0 }, rmse: { pass: 3, fail: 1 } },
      protected: ["groop", "age"],
      bands: { group: [1], age: [40, 30] },
      fairness: { selectionRateRatio: { pass: 0.5, fail: 0.8 } },
      slices: ["ago"],
      costs: { falsePositive: 1, falseNegative: 1 },
    },
  })
    .filter(({ path }) => path[0] === "evaluate")
    .map(({ path, message }) => `${path.slice(1).join(".")} ${message}`);
  for (const fault of [
    /^thresholds\.auc is not told of a regression model; `rmse`/,
    /^thresholds\.r2\.pass must be at most 1/,
    /^thresholds\.rmse is the wrong way round: lower is better/,
    /^protected\.0 names `groop`.*Did you mean `group`/,
    /^bands\.group is not among the protected attributes/,
    /^bands\.age must rise/,
    /^fairness\.selectionRateRatio is the wrong way round/,
    /^slices\.0 names `ago`/,
    /^costs are those of a yes or no/,
  ])
    expect(
      told.some((one) => fault.test(one)),
      `${fault} in ${told.join(" | ")}`,
    ).toBe(true);
  expect(told).toHaveLength(9);
});

test("models that answer the same are told the same", async () => {
  const { candidate } = binaryHoldout(5).answers;
  const answers = { candidate, champion: { ...candidate, values: candidate.values.slice() }, baseline: null };
  for (const row of (await evaluateAnswers(binaryHoldout(5, { answers }), unwatched)).metrics)
    expect(row).toMatchObject({ champion: row.candidate, change: { value: 0, low: 0, high: 0 } });
});
