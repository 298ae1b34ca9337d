import { setImmediate } from "node:timers/promises";
import type { Estimate, MetricName } from "../../domain/evidence.ts";
import type { Measure, MetricValues } from "./measure.ts";
import { plainValues } from "./measure.ts";
import { createRandom } from "./random.ts";

export interface BootstrapInput {
  candidate: Measure;
  /** On the same rows in the same order. */
  champion: Measure | null;
  baseline?: Measure | null;
  rounds: number;
  seed: number;
  signal?: AbortSignal;
}

export type Estimates = Partial<Record<MetricName, Estimate>>;

/** Candidate minus the other, paired, with the two-sided p-value of there being no difference. */
export type Differences = Partial<Record<MetricName, Estimate & { p: number }>>;

export interface BootstrapResult {
  candidate: Estimates;
  champion: Estimates | null;
  change: Differences | null;
  baseline: Estimates | null;
  overBaseline: Differences | null;
}

/** How long the event loop may be held before it gets a turn; heartbeats and cancellation come through there. */
const turnMs = 20;

/**
 * Metrics with 95 % percentile intervals (Efron 1979), and the paired differences candidate − champion
 * and candidate − baseline on the same resamples, with their p-values (Davison and Hinkley 1997, 4.2:
 * twice the smaller share of resamples on one side of nought, both counts plus one). Each round draws
 * multinomial weights and walks the rows once a model. A metric that cannot be told of the rows as they are is
 * left out; rounds in which it cannot be told do not count.
 */
export async function bootstrapMetrics(input: BootstrapInput): Promise<BootstrapResult> {
  const { candidate, champion, baseline = null, rounds, signal } = input;
  const others = [champion, baseline];
  if (others.some((other) => other !== null && other.rows !== candidate.rows))
    throw new RangeError("The models were scored on different rows.");
  // A model that is there twice is walked once.
  const models = [...new Set([candidate, ...others.filter((other) => other !== null)])];
  const drawn = models.map(({ names }) => new Float64Array(rounds * names.length));
  const drawWeights = createWeightDraw(candidate.rows, input.seed);
  let turnEndsAt = performance.now() + turnMs;
  for (let round = 0; round < rounds; round += 1) {
    const weights = drawWeights();
    for (const [index, { names, measure }] of models.entries())
      measure(weights, drawn[index]!.subarray(round * names.length, (round + 1) * names.length));
    if (performance.now() < turnEndsAt) continue;
    await setImmediate();
    signal?.throwIfAborted();
    turnEndsAt = performance.now() + turnMs;
  }
  const told = models.map((model, index): Told => ({
    values: plainValues(model),
    names: model.names,
    drawn: drawn[index]!,
    rounds,
  }));
  const of = (model: Measure | null) => (model === null ? null : told[models.indexOf(model)]!);
  const [mine, theirs, simple] = [of(candidate)!, of(champion), of(baseline)];
  return {
    candidate: estimates(mine),
    champion: theirs && estimates(theirs),
    change: theirs && differences(mine, theirs),
    baseline: simple && estimates(simple),
    overBaseline: simple && differences(mine, simple),
  };
}

/** Multinomial weights: how often each row is drawn in `rows` draws with replacement. The array is used again. */
function createWeightDraw(rows: number, seed: number): () => Uint32Array {
  const random = createRandom(seed);
  const weights = new Uint32Array(rows);
  const scale = rows / 2 ** 32;
  return () => {
    weights.fill(0);
    for (let draw = 0; draw < rows; draw += 1) {
      const row = Math.floor(random() * scale);
      weights[row] = weights[row]! + 1;
    }
    return weights;
  };
}

interface Told {
  values: MetricValues;
  names: readonly MetricName[];
  /** A row a round, a column a metric. */
  drawn: Float64Array;
  rounds: number;
}

function column({ drawn, names, rounds }: Told, index: number): Float64Array {
  return Float64Array.from({ length: rounds }, (_, round) => drawn[round * names.length + index]!);
}

function estimates(told: Told): Estimates {
  const found: Estimates = {};
  for (const [index, name] of told.names.entries()) {
    const value = told.values[name]!;
    if (Number.isNaN(value)) continue;
    const estimate = intervalOf(name, value, column(told, index));
    found[name] = name === "r2" ? estimate : { ...estimate, low: Math.max(0, estimate.low) };
  }
  return found;
}

function differences(one: Told, other: Told): Differences {
  const found: Differences = {};
  for (const [index, name] of one.names.entries()) {
    const value = one.values[name]! - other.values[name]!;
    if (Number.isNaN(value)) continue;
    const theirs = column(other, index);
    const drawn = column(one, index).map((mine, round) => mine - theirs[round]!);
    found[name] = { ...intervalOf(name, value, drawn), p: pairedP(drawn) };
  }
  return found;
}

function intervalOf(name: MetricName, value: number, drawn: Float64Array): Estimate {
  const sorted = drawn.filter((one) => !Number.isNaN(one)).sort();
  if (sorted.length === 0) return { value, low: value, high: value };
  // |predicted − observed| only grows by resampling noise: its percentiles lie above the estimate
  // itself. Moved back by the mean excess, they lie around it.
  const mean = sorted.reduce((sum, one) => sum + one, 0) / sorted.length;
  const excess = name === "calibrationError" ? mean - value : 0;
  return { value, low: quantile(sorted, 0.025) - excess, high: quantile(sorted, 0.975) - excess };
}

function pairedP(drawn: Float64Array): number {
  let below = 0;
  let above = 0;
  let counted = 0;
  for (const one of drawn) {
    if (Number.isNaN(one)) continue;
    counted += 1;
    if (one <= 0) below += 1;
    if (one >= 0) above += 1;
  }
  return Math.min(1, (2 * (Math.min(below, above) + 1)) / (counted + 1));
}

/** Linear between neighbours, as numpy's default; `sorted` ascending, not empty. */
export function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}
