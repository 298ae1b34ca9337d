import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type MetricName, metricsOf } from "../../domain/evidence.ts";
import { measureBinary } from "../../ml/metrics/binary-metrics.ts";
import { bootstrapMetrics, quantile } from "../../ml/metrics/bootstrap.ts";
import { calibrationCurve, confusionAt, flipsOf } from "../../ml/metrics/calibration.ts";
import type { Measure } from "../../ml/metrics/measure.ts";
import { plainValues } from "../../ml/metrics/measure.ts";
import { createRandom } from "../../ml/metrics/random.ts";
import { rankScores } from "../../ml/metrics/ranked-scores.ts";

const first: readonly MetricName[] = ["auc", "logLoss", "brier", "calibrationError"];
const binary = (labels: Uint8Array, probabilities: ArrayLike<number>) => measureBinary(rankScores(labels, probabilities), 0.5);

const { cases } = JSON.parse(readFileSync(new URL("./fixtures/metrics.json", import.meta.url), "utf8"));

for (const fixture of cases) {
  test(`metrics agree with scikit-learn to 1e-12 on ${fixture.name}`, () => {
    const ranked = rankScores(Uint8Array.from(fixture.labels), fixture.probabilities);
    const metrics = plainValues(measureBinary(ranked, 0.5));
    for (const metric of first) expect(Math.abs(metrics[metric]! - fixture[metric]), metric).toBeLessThan(1e-12);
    const curve = calibrationCurve(ranked);
    expect(curve.map(({ rows }) => rows)).toEqual(fixture.calibration.map(({ rows }: { rows: number }) => rows));
    for (const [bin, { predicted, observed }] of curve.entries()) {
      expect(predicted).toBeCloseTo(fixture.calibration[bin].predicted, 12);
      expect(observed).toBeCloseTo(fixture.calibration[bin].observed, 12);
    }
    expect(confusionAt(0.5, Uint8Array.from(fixture.labels), fixture.probabilities)).toEqual(fixture.confusion);
  });
}

/** `rows` draws of a model that knows something, and labels from the same probabilities. */
function draw(rows: number, seed: number) {
  const random = createRandom(seed);
  const unit = () => random() / 2 ** 32;
  const good = Float64Array.from({ length: rows }, unit);
  const labels = Uint8Array.from(good, (p) => (unit() < 0.1 + 0.5 * p ? 1 : 0));
  const worse = good.map((p) => Math.min(1, Math.max(0, p + 0.4 * (unit() - 0.5))));
  return { labels, good, worse };
}

/** The weighted metrics of one are the plain ones of the other. */
function expectSame(weighted: Measure, weights: Uint32Array, plain: Measure): void {
  const [some, all] = [new Float64Array(weighted.names.length), new Float64Array(plain.names.length)];
  weighted.measure(weights, some);
  plain.measure(null, all);
  for (const [index, name] of weighted.names.entries()) expect(some[index], name).toBeCloseTo(all[index]!, 12);
}

test("weights count rows exactly as if they were there so many times", () => {
  const { labels, good } = draw(301, 1);
  const coarse = good.map((p) => Math.round(p * 20) / 20);
  const random = createRandom(2);
  const weights = new Uint32Array(labels.length);
  for (let drawn = 0; drawn < labels.length; drawn += 1) {
    const row = random() % labels.length;
    weights[row] = weights[row]! + 1;
  }
  const repeated = [...weights].flatMap((weight, row) => Array.from({ length: weight }, () => row));
  expectSame(
    binary(labels, coarse),
    weights,
    binary(
      Uint8Array.from(repeated, (row) => labels[row]!),
      repeated.map((row) => coarse[row]!),
    ),
  );
});

test("the AUC interval is as wide as theory says, and a better model's difference lies above nought", async () => {
  const { labels, good, worse } = draw(4000, 3);
  const { candidate, change } = await bootstrapMetrics({
    candidate: binary(labels, good),
    champion: binary(labels, worse),
    rounds: 500,
    seed: 7,
  });
  // Hanley and McNeil (1982): the standard error of an AUC.
  const auc = candidate.auc!.value;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const negatives = labels.length - positives;
  const q1 = auc / (2 - auc) - auc ** 2;
  const q2 = (2 * auc ** 2) / (1 + auc) - auc ** 2;
  const error = Math.sqrt((auc * (1 - auc) + (positives - 1) * q1 + (negatives - 1) * q2) / (positives * negatives));
  const width = candidate.auc!.high - candidate.auc!.low;
  expect(width / (2 * 1.96 * error)).toBeGreaterThan(0.85);
  expect(width / (2 * 1.96 * error)).toBeLessThan(1.15);
  expect(change!.auc!.low).toBeGreaterThan(0);
  expect(change!.logLoss!.high).toBeLessThan(0);
  // Paired: narrower than the difference of two independent intervals.
  expect(change!.auc!.high - change!.auc!.low).toBeLessThan(width);
  for (const metric of metricsOf.binary) {
    expect(candidate[metric]!.low).toBeLessThanOrEqual(candidate[metric]!.value);
    expect(candidate[metric]!.high).toBeGreaterThanOrEqual(candidate[metric]!.value);
  }
});

test("equal seeds give equal intervals, another seed others", async () => {
  const { labels, good } = draw(500, 4);
  const run = (seed: number) => bootstrapMetrics({ candidate: binary(labels, good), champion: null, rounds: 60, seed });
  expect(await run(7)).toEqual(await run(7));
  expect((await run(8)).candidate.auc!.low).not.toBe((await run(7)).candidate.auc!.low);
});

test("the event loop gets its turn during the bootstrap, and an abort ends it", async () => {
  const { labels, good } = draw(20_000, 5);
  const ranked = binary(labels, good);
  let longestMs = 0;
  let last = performance.now();
  const ticker = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 1);
  await bootstrapMetrics({ candidate: ranked, champion: null, rounds: 400, seed: 7 });
  clearInterval(ticker);
  expect(longestMs).toBeLessThan(500);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("no longer wanted")), 30);
  await expect(
    bootstrapMetrics({
      candidate: ranked,
      champion: null,
      rounds: 1_000_000,
      seed: 7,
      signal: controller.signal,
    }),
  ).rejects.toThrow("no longer wanted");
});

test("a thousand rounds for two models on 25,000 rows take at most five seconds of a processor", async () => {
  const { labels, good, worse } = draw(25_000, 6);
  const before = process.cpuUsage();
  await bootstrapMetrics({
    candidate: binary(labels, good),
    champion: binary(labels, worse),
    rounds: 1000,
    seed: 7,
  });
  // Not by the clock: other tests run on the same processors.
  expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
});

test("labels of one class, probabilities outside 0 to 1 and lists of two lengths are refused", async () => {
  const same = binary(Uint8Array.from([1, 1, 1]), [0.1, 0.2, 0.3]);
  const { candidate } = await bootstrapMetrics({ candidate: same, champion: null, rounds: 50, seed: 1 });
  // What cannot be told is left out, never a number.
  expect(candidate.auc).toBeUndefined();
  expect(candidate.logLoss!.value).toBeGreaterThan(0);
  expect(() => rankScores(Uint8Array.from([0, 1]), [0.5, Number.NaN])).toThrow("row 2 is NaN");
  expect(() => rankScores(Uint8Array.from([0, 1]), [0.5])).toThrow("1 probabilities for 2 labels");
});

test("flips are rows that two models call differently", () => {
  expect(flipsOf([0, 1, 1, 0], [1, 0, 1, 0])).toEqual({ rows: 2, share: 0.5 });
});

test("quantiles lie linearly between neighbours", () => {
  expect(quantile(Float64Array.of(1, 2, 4), 0.75)).toBe(3);
  expect(quantile(Float64Array.of(5), 0.975)).toBe(5);
});
