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
  /** By metric of the candidate, in how many rounds it could not be told (a class was not drawn); those with none are left out. */
  untold: Partial<Record<MetricName, number>>;
}

/** How long the event loop may be held before it gets a turn; heartbeats and cancellation come through there. */
const turnMs = 20;

/** Fewer rounds than this cannot hold a 95 % interval: even with all of them on one side p is 0.05 or more. */
export const fewestTold = 40;

/**
 * Metrics with 95 % percentile intervals (Efron 1979), and the paired differences candidate − champion
 * and candidate − baseline on the same resamples, with their p-values (Davison and Hinkley 1997, 4.2:
 * twice the smaller share of resamples on one side of nought, both counts plus one). The ends of an interval are the
 * values in order at which that very p reaches 0.05, so that an interval excludes nought exactly where p < 0.05.
 * Each round draws multinomial weights and walks the rows once a model. Rounds in which a metric cannot be told do
 * not count, and are counted in `untold`; one that cannot be told of the rows as they are, or in fewer than `fewestTold`
 * rounds, is left out.
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
    untold: untoldIn(mine),
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
    const sorted = spreadOf(name, value, column(told, index));
    if (sorted === null) continue;
    const estimate = intervalOf(value, sorted);
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
    const sorted = spreadOf(name, value, drawn);
    if (sorted !== null) found[name] = { ...intervalOf(value, sorted), p: pairedP(sorted) };
  }
  return found;
}

function untoldIn(told: Told): BootstrapResult["untold"] {
  const counted = told.names.map((name, index) => [name, column(told, index).filter(Number.isNaN).length] as const);
  return Object.fromEntries(counted.filter(([, rounds]) => rounds > 0));
}

/** What the rounds gave, ascending: of it come interval and p-value alike. Null where too few could tell it. */
function spreadOf(name: MetricName, value: number, drawn: Float64Array): Float64Array | null {
  const sorted = drawn.filter((one) => !Number.isNaN(one)).sort();
  if (sorted.length < fewestTold) return null;
  if (name !== "calibrationError") return sorted;
  // |predicted − observed| only grows by resampling noise: the rounds lie above the estimate itself.
  // Moved back by the mean excess, they lie around it.
  const excess = sorted.reduce((sum, one) => sum + one, 0) / sorted.length - value;
  return sorted.map((one) => one - excess);
}

/** The outermost values with p < 0.05 beyond them: of 300 rounds the 7th from either end. */
function intervalOf(value: number, sorted: Float64Array): Estimate {
  const beyond = Math.ceil(0.025 * (sorted.length + 1) - 1) - 1;
  return { value, low: sorted[beyond]!, high: sorted[sorted.length - 1 - beyond]! };
}

function pairedP(sorted: Float64Array): number {
  let below = 0;
  let above = 0;
  for (const one of sorted) {
    if (one <= 0) below += 1;
    if (one >= 0) above += 1;
  }
  return Math.min(1, (2 * (Math.min(below, above) + 1)) / (sorted.length + 1));
}

/** Linear between neighbours, as numpy's default; `sorted` ascending, not empty. */
export function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}
