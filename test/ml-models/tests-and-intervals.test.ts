import { expect, test } from "vitest";
import type { MetricName } from "../../domain/evidence.ts";
import { measureBinary } from "../../ml/metrics/binary-metrics.ts";
import { bootstrapMetrics, fewestTold } from "../../ml/metrics/bootstrap.ts";
import { aucComponents, delongTest } from "../../ml/metrics/delong.ts";
import { normalTest } from "../../ml/metrics/intervals.ts";
import type { Measure } from "../../ml/metrics/measure.ts";
import { measureMulticlass, rankClassScores } from "../../ml/metrics/multiclass-metrics.ts";
import { createRandom } from "../../ml/metrics/random.ts";
import { rankScores } from "../../ml/metrics/ranked-scores.ts";
import { measureRegression, rankValues } from "../../ml/metrics/regression-metrics.ts";

const excludesNought = ({ low, high }: { low: number; high: number }) => low > 0 || high < 0;

/** Two models of which the second is worse by little, so that about half of the worlds settle it. */
function world(seed: number) {
  const random = createRandom(seed);
  const unit = () => random() / 2 ** 32;
  const rows = 60 + Math.floor(200 * unit());
  const signal = Float64Array.from({ length: rows }, unit);
  const noise = 0.6 * unit();
  const heard = signal.map((x) => Math.min(1, Math.max(0, x + noise * (unit() - 0.5))));
  return { rows, signal, heard, unit, rounds: 50 + Math.floor(260 * unit()), seed };
}

function pairs({ rows, signal, heard, unit }: ReturnType<typeof world>): [Measure, Measure][] {
  const labels = Uint8Array.from(signal, (p) => (unit() < p ? 1 : 0));
  const classes = Int32Array.from(signal, (p) => (unit() < p ? 1 : unit() < 0.5 ? 0 : 2));
  const wide = (of: Float64Array) => Float32Array.from({ length: rows * 3 }, (_, at) => share(of[Math.floor(at / 3)]!, at % 3));
  const values = signal.map((x) => 10 * x + unit());
  const binary = (of: Float64Array) => measureBinary(rankScores(labels, of), 0.5);
  const multiclass = (of: Float64Array) => measureMulticlass(rankClassScores(classes, wide(of), 3));
  const regression = (of: Float64Array) =>
    measureRegression(
      rankValues(
        values,
        of.map((x) => 10 * x),
      ),
      0.5,
    );
  return [binary, multiclass, regression].map((measure) => [measure(signal), measure(heard)]);
}

const share = (p: number, k: number) => (k === 1 ? p : (1 - p) / 2);

test("over random worlds each metric's 95 % interval of a difference excludes nought exactly where its p is below 0.05", async () => {
  const settled = { yes: 0, no: 0 };
  const seen = new Set<string>();
  for (let seed = 1; seed <= 60; seed += 1) {
    const drawn = world(seed);
    for (const [candidate, champion] of pairs(drawn)) {
      const { change } = await bootstrapMetrics({ candidate, champion, rounds: drawn.rounds, seed });
      for (const [metric, { p, ...interval }] of Object.entries(change!)) {
        expect(excludesNought(interval), `${metric} of world ${seed}: ${JSON.stringify(interval)}, p ${p}`).toBe(p < 0.05);
        settled[p < 0.05 ? "yes" : "no"] += 1;
        seen.add(metric);
      }
    }
  }
  expect(seen).toContain("calibrationError" satisfies MetricName);
  // A property that never meets one of the sides says nothing.
  expect(Math.min(settled.yes, settled.no)).toBeGreaterThan(100);
});

test("DeLong's interval and p-value agree, up to the rounding of a double", () => {
  let yes = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const { signal, heard, unit } = world(seed);
    const labels = Uint8Array.from(signal, (p) => (unit() < p ? 1 : 0));
    const [one, other] = [signal, heard].map((scores) => aucComponents(rankScores(labels, scores)));
    const { difference, p } = delongTest(one!, other!);
    if (Math.abs(p - 0.05) < 1e-9) continue;
    expect(excludesNought(difference)).toBe(p < 0.05);
    yes += p < 0.05 ? 1 : 0;
  }
  expect(yes).toBeGreaterThan(10);
  // Without any spread: no difference is none, a difference is certain, and the last bit of a double is none.
  for (const [value, p] of [
    [0, 1],
    [0.25, 0],
    [1e-16, 1],
  ] as const) {
    const found = normalTest(value, 0);
    expect(found.p).toBe(p);
    expect(excludesNought(found.difference)).toBe(p < 0.05);
  }
});

test("what too few resamples can tell is left out, and in how many it could not is counted", async () => {
  // One positive among twelve: a resample has none of it with the chance 0.35.
  const labels = Uint8Array.from({ length: 12 }, (_, row) => (row === 3 ? 1 : 0));
  const scores = Float64Array.from({ length: 12 }, (_, row) => row / 12);
  const of = (rounds: number) =>
    bootstrapMetrics({ candidate: measureBinary(rankScores(labels, scores), 0.5), champion: null, rounds, seed: 7 });
  const many = await of(300);
  expect(many.candidate.auc).toBeDefined();
  expect(many.untold.auc).toBeGreaterThan(70);
  expect(many.untold.logLoss).toBeUndefined();
  const few = await of(fewestTold + 10);
  expect(few.candidate.auc).toBeUndefined();
  expect(few.candidate.logLoss).toBeDefined();
});
