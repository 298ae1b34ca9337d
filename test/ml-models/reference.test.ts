import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compareCosts } from "../../ml/evaluation/costs.ts";
import { reportFairness } from "../../ml/evaluation/fairness.ts";
import { groupBy } from "../../ml/evaluation/groupings.ts";
import { prepareAnswers } from "../../ml/evaluation/model-answers.ts";
import { measureBinary } from "../../ml/metrics/binary-metrics.ts";
import { brierParts } from "../../ml/metrics/calibration.ts";
import { aucComponents, aucError, delongTest } from "../../ml/metrics/delong.ts";
import { chiSquareTail, twoSidedP } from "../../ml/metrics/distributions.ts";
import { differenceOfShares, ratioOfShares, shareOf } from "../../ml/metrics/intervals.ts";
import { type Measure, plainValues } from "../../ml/metrics/measure.ts";
import { measureMulticlass, rankClassScores } from "../../ml/metrics/multiclass-metrics.ts";
import { holm } from "../../ml/metrics/multiple-tests.ts";
import { createRandom } from "../../ml/metrics/random.ts";
import { rankScores } from "../../ml/metrics/ranked-scores.ts";
import { measureRegression, rankValues } from "../../ml/metrics/regression-metrics.ts";

const folder = new URL("./fixtures/evaluation/", import.meta.url);
const fixture = JSON.parse(readFileSync(new URL("evaluation.json", folder), "utf8"));
const { threshold, quantile } = fixture;
const labels = Uint8Array.from(fixture.binary.labels);
const ranked = rankScores(labels, fixture.binary.scores);

interface Case {
  binary: { labels: number[]; scores: number[] };
  multiclass: { labels: number[]; probabilities: number[][] };
  regression: { labels: number[]; values: number[] };
}

function measures({ binary, multiclass, regression }: Case): Record<"binary" | "multiclass" | "regression", Measure> {
  const width = multiclass.probabilities[0]!.length;
  const probabilities = Float32Array.from(multiclass.probabilities.flat());
  return {
    binary: measureBinary(rankScores(Uint8Array.from(binary.labels), binary.scores), threshold),
    multiclass: measureMulticlass(rankClassScores(Int32Array.from(multiclass.labels), probabilities, width)),
    regression: measureRegression(rankValues(regression.labels, Float32Array.from(regression.values)), quantile),
  };
}

/** To twelve digits of the larger. */
function expectNear(found: number, wanted: number, what: string): void {
  expect(Math.abs(found - wanted) / Math.max(1, Math.abs(wanted)), what).toBeLessThan(1e-12);
}

for (const task of ["binary", "multiclass", "regression"] as const) {
  test(`every metric of a ${task} model is scikit-learn's, to twelve digits`, () => {
    const { names } = measures(fixture)[task];
    const found = plainValues(measures(fixture)[task]);
    expect([...names].toSorted()).toEqual(Object.keys(fixture[task].metrics).toSorted());
    for (const name of names) expectNear(found[name]!, fixture[task].metrics[name], name);
  });
}

test("DeLong's test is that of its definition, pair by pair", () => {
  const one = aucComponents(ranked);
  const { difference, p } = delongTest(one, aucComponents(rankScores(labels, fixture.binary.other)));
  expectNear(one.auc, fixture.delong.auc, "auc");
  expectNear(aucError(one), fixture.delong.error, "standard error");
  expectNear(difference.value, fixture.delong.difference, "difference");
  expectNear(p, fixture.delong.p, "p");
  expect(delongTest(one, one)).toEqual({ difference: { value: 0, low: 0, high: 0 }, p: 1 });
});

test("the parts of the Brier score are those of scikit-learn's isotonic regression, and add up", () => {
  const parts = brierParts(ranked);
  for (const part of ["reliability", "resolution", "uncertainty"] as const) expectNear(parts[part], fixture.corp[part], part);
  expectNear(parts.reliability - parts.resolution + parts.uncertainty, fixture.binary.metrics.brier, "sum");
});

test("the best threshold by cost is the best of all that could be tried", () => {
  const { deployed, best, regret } = compareCosts(ranked, { falsePositive: 1, falseNegative: 5 }, threshold);
  expectNear(deployed.cost.value, fixture.costs.deployed, "deployed");
  expectNear(best.cost, fixture.costs.best, "best");
  expectNear(regret.value, fixture.costs.deployed - fixture.costs.best, "regret");
});

test("rates by group and their gaps are Fairlearn's", () => {
  const context = { label: { task: "binary" }, targets: Float64Array.from(labels), threshold, quantile } as const;
  const [row] = reportFairness({
    task: "binary",
    groupings: [groupBy({ name: "group", kind: "text", values: fixture.fairness.groups })],
    targets: context.targets,
    // In float32, as a model gives them: none of these scores lies at the threshold itself but 0.35.
    candidate: prepareAnswers({ width: 1, values: fixture.binary.scores }, context, "candidate"),
    classes: 2,
    definition: undefined,
    judgeBy: "value",
  });
  for (const { group, selectionRate, truePositiveRate, falsePositiveRate } of row!.groups) {
    const wanted = fixture.fairness.byGroup[group];
    expectNear(selectionRate!.value, wanted.selectionRate, group);
    expectNear(truePositiveRate!.value, wanted.truePositiveRate, group);
    expectNear(falsePositiveRate!.value, wanted.falsePositiveRate, group);
  }
  const gap = (measure: string) => row!.measures.find((one) => one.measure === measure)!.gap!.value;
  expectNear(gap("selectionRateDifference"), fixture.fairness.selectionRateDifference, "difference");
  expectNear(gap("selectionRateRatio"), fixture.fairness.selectionRateRatio, "ratio");
  const odds = Math.max(gap("truePositiveRateDifference"), gap("falsePositiveRateDifference"));
  expectNear(odds, fixture.fairness.equalizedOddsDifference, "equalized odds");
});

test("intervals of shares, their differences and ratios are those of statsmodels and SciPy", () => {
  for (const { hits, rows, wilson } of fixture.shares) {
    const { low, high } = shareOf(hits, rows);
    expectNear(low, Math.max(0, wilson[0]), `${hits} of ${rows}`);
    expectNear(high, wilson[1], `${hits} of ${rows}`);
  }
  const difference = differenceOfShares(shareOf(56, 70), shareOf(48, 80));
  expectNear(difference.low, fixture.difference[0], "Newcombe");
  expectNear(difference.high, fixture.difference[1], "Newcombe");
  const ratio = ratioOfShares({ hits: 56, rows: 70 }, { hits: 48, rows: 80 })!;
  expectNear(ratio.low, fixture.ratio[0], "Katz");
  expectNear(ratio.high, fixture.ratio[1], "Katz");
});

test("tails of the normal and chi-square distribution, and Holm's correction, are SciPy's and statsmodels'", () => {
  for (const { z, twoSided, chiSquare5 } of fixture.tails) {
    expect(Math.abs(twoSidedP(z) / twoSided - 1), `z ${z}`).toBeLessThan(1e-10);
    expect(Math.abs(chiSquareTail(z * 4, 5) / chiSquare5 - 1), `chi-square of ${z * 4}`).toBeLessThan(1e-10);
  }
  for (const [index, p] of holm(fixture.holm.p).entries()) expectNear(p, fixture.holm.corrected[index], `p ${index}`);
});

/** A Python that has scikit-learn: the one named, or the machine's own. */
function findPython(): string | null {
  for (const python of [process.env["COUNTERSIGN_TEST_PYTHON"], "python3"]) {
    if (python === undefined) continue;
    try {
      execFileSync(python, ["-c", "import sklearn"], { stdio: "ignore", timeout: 20_000 });
      return python;
    } catch {
      // Not there, or without scikit-learn: the fixtures above stand for it.
    }
  }
  return null;
}

/** Rows that nobody chose: another seed each day. */
function drawCase(seed: number): Case {
  const random = createRandom(seed);
  const unit = () => random() / 2 ** 32;
  const rows = 200 + Math.floor(unit() * 400);
  const scores = Array.from({ length: rows }, () => Math.round(unit() * 200) / 200);
  const probabilities = Array.from({ length: rows }, () => {
    const raw = [unit(), unit(), unit()];
    const sum = raw.reduce((total, one) => total + one, 0);
    return raw.map((one) => Math.fround(one / sum));
  });
  const values = Array.from({ length: rows }, () => Math.fround(100 * unit() - 30));
  return {
    binary: { scores, labels: scores.map((p) => (unit() < p ? 1 : 0)) },
    multiclass: { probabilities, labels: probabilities.map((_, row) => (row < 3 ? row : Math.floor(unit() * 3))) },
    regression: { values, labels: values.map((value) => value + 20 * unit() - 10) },
  };
}

const python = findPython();
test.skipIf(python === null)("scikit-learn, run now on rows drawn today, gives the same metrics", async () => {
  const seed = Math.floor(Date.now() / 86_400_000);
  const drawn = drawCase(seed);
  const script = fileURLToPath(new URL("reference_metrics.py", folder));
  const answer = await new Promise<string>((resolve, reject) => {
    const child = execFile(python!, ["-B", script], (error, out) => (error instanceof Error ? reject(error) : resolve(out)));
    child.stdin!.end(JSON.stringify({ ...drawn, threshold, quantile }));
  });
  const wanted = JSON.parse(answer);
  const found = measures(drawn);
  for (const task of ["binary", "multiclass", "regression"] as const)
    for (const [name, value] of Object.entries(plainValues(found[task])))
      expect(Math.abs(value - wanted[task][name]), `${task} ${name}, seed ${seed}`).toBeLessThan(
        1e-9 * Math.max(1, Math.abs(value)),
      );
});
