import type { ImportanceReport, RobustnessReport } from "../../domain/evaluation-detail.ts";
import { higherIsBetter, type MetricName } from "../../domain/evidence.ts";
import { meanOf, momentsOf } from "../metrics/intervals.ts";
import { plainValues } from "../metrics/measure.ts";
import { createRandom } from "../metrics/random.ts";
import type { StageTools } from "../stage-tools.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { type AnswerContext, type Answers, type ModelAnswers, prepareAnswers } from "./model-answers.ts";
import { drawRows, pickColumn, pickRows, shuffle } from "./sample.ts";

/** Rows that are scored again and again; with 15 features and 200 trees of 31 leaves 2,000 rows take about half a second. */
const sampleRows = 2000;
const repeats = 3;

export interface SensitivityInput {
  features: Feature[];
  columns: FeatureColumns;
  context: AnswerContext;
  metric: MetricName;
  seed: number;
  score(columns: FeatureColumns): Promise<Answers>;
}

interface Sample {
  columns: FeatureColumns;
  context: AnswerContext;
  clean: ModelAnswers;
  value: number;
}

/** Importance by permutation, and what becomes of the model when its input is not what it was. Both on one seeded sample. */
export async function reportSensitivity(
  input: SensitivityInput,
  tools: StageTools,
): Promise<{ importance: ImportanceReport; robustness: RobustnessReport } | null> {
  const rows = drawRows(input.context.targets.length, sampleRows, input.seed);
  const columns = pickRows(input.columns, rows);
  const context = { ...input.context, targets: Float64Array.from(rows, (row) => input.context.targets[row]!) };
  const clean = prepareAnswers(await input.score(columns), context, "candidate");
  const value = plainValues(clean.measure)[input.metric];
  // A sample of few rows may lack a class.
  if (value === undefined || Number.isNaN(value)) return null;
  const sample: Sample = { columns, context, clean, value };
  return { importance: await permute(input, sample, tools), robustness: await disturb(input, sample, tools) };
}

/** Breiman 2001, on held-out rows as in scikit-learn's `permutation_importance`: how much worse the metric gets when one feature is shuffled. */
async function permute(input: SensitivityInput, sample: Sample, { signal, progress }: StageTools): Promise<ImportanceReport> {
  const { features, metric, seed, score } = input;
  const sign = higherIsBetter[metric] ? 1 : -1;
  const rows = sample.context.targets.length;
  const found: ImportanceReport["features"] = [];
  for (const [index, { name }] of features.entries()) {
    progress(`shuffling ${name}`);
    const drops: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      signal.throwIfAborted();
      const order = Uint32Array.from({ length: rows }, (_, row) => row);
      shuffle(order, seed + 1 + index * repeats + repeat);
      const columns = { ...sample.columns, [name]: pickColumn(sample.columns[name]!, order) };
      const answers = prepareAnswers(await score(columns), sample.context, "candidate with a shuffled feature");
      drops.push(sign * (sample.value - (plainValues(answers.measure)[metric] ?? sample.value)));
    }
    found.push({ feature: name, drop: meanOf(momentsOf(drops.length, (repeat) => drops[repeat]!)) });
  }
  found.sort((a, b) => b.drop.value - a.drop.value || (a.feature < b.feature ? -1 : 1));
  return { method: "permutation", metric, rows, repeats, features: found };
}

interface Disturbance {
  name: string;
  kind: RobustnessReport["cases"][number]["kind"];
  columns: FeatureColumns;
}

async function disturb(input: SensitivityInput, sample: Sample, { signal, progress }: StageTools): Promise<RobustnessReport> {
  const cases: RobustnessReport["cases"] = [];
  for (const { name, kind, columns } of disturbances(input.features, sample.columns, input.seed)) {
    signal.throwIfAborted();
    progress(`trying the model with ${name}`);
    cases.push({ name, kind, ...(await outcome(input, sample, columns)) });
  }
  return { metric: input.metric, rows: sample.context.targets.length, value: sample.value, cases };
}

async function outcome(input: SensitivityInput, sample: Sample, columns: FeatureColumns) {
  const nothing = { value: null, change: null, flips: null };
  try {
    const answers = prepareAnswers(await input.score(columns), sample.context, "candidate");
    const value = plainValues(answers.measure)[input.metric]!;
    return { value, change: value - sample.value, flips: movedShare(sample.clean, answers), fault: null };
  } catch (error) {
    // A model that answers NaN, or refuses, where a value is missing is a finding, not the end of the evaluation.
    return { ...nothing, fault: (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "" };
  }
}

/** Share of decisions that flip; for a regression the mean distance in standard deviations of the predictions. */
function movedShare(clean: ModelAnswers, other: ModelAnswers): number {
  const { rows, called } = clean;
  let moved = 0;
  if (called !== null && other.called !== null) {
    for (let row = 0; row < rows; row += 1) if (called[row] !== other.called[row]) moved += 1;
    return moved / rows;
  }
  for (let row = 0; row < rows; row += 1) moved += Math.abs(clean.score[row]! - other.score[row]!);
  return moved / rows / (Math.sqrt(momentsOf(rows, (row) => clean.score[row]!).variance) || 1);
}

function disturbances(features: Feature[], columns: FeatureColumns, seed: number): Disturbance[] {
  const texts = features.filter(({ type }) => type === "string");
  const numbers = features.filter(({ type }) => type === "float");
  const spread = new Map(numbers.map(({ name }) => [name, spreadOf(columns[name])]));
  const shifted = (by: number) => changeNumbers(columns, numbers, (value, name) => value + by * (spread.get(name) ?? 0));
  const noisy = () => {
    const normal = createNormal(seed + 17);
    return changeNumbers(columns, numbers, (value, name) => value + 0.1 * (spread.get(name) ?? 0) * normal());
  };
  return [
    { name: "one value in twenty missing", kind: "missing" as const, columns: withMissing(columns, 0.05, seed + 11) },
    { name: "one value in five missing", kind: "missing" as const, columns: withMissing(columns, 0.2, seed + 12) },
    ...(numbers.length === 0
      ? []
      : [
          { name: "numbers half a standard deviation higher", kind: "shift" as const, columns: shifted(0.5) },
          { name: "numbers half a standard deviation lower", kind: "shift" as const, columns: shifted(-0.5) },
          { name: "numbers with noise of a tenth of a standard deviation", kind: "noise" as const, columns: noisy() },
        ]),
    ...(texts.length === 0
      ? []
      : [{ name: "texts that were never seen", kind: "unseen" as const, columns: withUnseen(columns, texts) }]),
  ];
}

function spreadOf(column: FeatureColumns[string] | undefined): number {
  if (!(column instanceof Float32Array)) return 0;
  const present = column.filter((value) => Number.isFinite(value));
  return Math.sqrt(momentsOf(present.length, (index) => present[index]!).variance);
}

function withMissing(columns: FeatureColumns, share: number, seed: number): FeatureColumns {
  const random = createRandom(seed);
  const gone = () => random() / 2 ** 32 < share;
  return mapColumns(columns, (column) =>
    column instanceof Float32Array
      ? column.map((value) => (gone() ? Number.NaN : value))
      : column.map((value) => (gone() ? "" : value)),
  );
}

function withUnseen(columns: FeatureColumns, texts: Feature[]): FeatureColumns {
  const names = new Set(texts.map(({ name }) => name));
  return mapColumns(columns, (column, name) =>
    names.has(name) && !(column instanceof Float32Array) ? column.map(() => "\u{2045}never seen\u{2046}") : column,
  );
}

function changeNumbers(
  columns: FeatureColumns,
  numbers: Feature[],
  change: (value: number, name: string) => number,
): FeatureColumns {
  const names = new Set(numbers.map(({ name }) => name));
  return mapColumns(columns, (column, name) =>
    names.has(name) && column instanceof Float32Array ? column.map((value) => change(value, name)) : column,
  );
}

function mapColumns(
  columns: FeatureColumns,
  change: (column: FeatureColumns[string], name: string) => FeatureColumns[string],
): FeatureColumns {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, change(column, name)]));
}

/** Standard normal values (Box and Muller). */
function createNormal(seed: number): () => number {
  const random = createRandom(seed);
  const unit = () => (random() + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit());
}
