import type { ExplainedRow, FeatureEffect } from "../../domain/evaluation-detail.ts";
import { maskedValue } from "../../domain/contract-sensitivity.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { groupBy } from "../evaluation/groupings.ts";
import type { Answers } from "../evaluation/model-answers.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import type { Effects } from "./linear-shap.ts";

const contributionsShown = 8;
const featuresShown = 40;

interface Described {
  features: Feature[];
  columns: FeatureColumns;
  answers: Answers;
  label: LabelSpec;
  threshold: number;
  /** Features whose values must not be shown: how much they matter is told, of which values is not. */
  masked?: Set<string> | undefined;
  /** By feature; the last column is what belongs to no single one. */
  effects: Effects;
}

/** Effects in words that can be read: how strong each feature is, which way its values push, and a few rows one by one. */
export function describeEffects(of: Described): { features: FeatureEffect[]; examples: ExplainedRow[] } {
  const { effects, features } = of;
  const { width, columns, values } = effects;
  const rows = values.length / (width * columns);
  const names = [...features.map(({ name }) => name), "several features together"];
  const described = names.map((feature, index): FeatureEffect & { index: number } => {
    let sum = 0;
    for (let line = 0; line < rows * width; line += 1) sum += Math.abs(values[line * columns + index]!);
    return { feature, index, meanAbsolute: sum / (rows * width), effects: [] };
  });
  described.sort((a, b) => b.meanAbsolute - a.meanAbsolute || (a.feature < b.feature ? -1 : 1));
  return {
    features: described
      .filter(({ feature, meanAbsolute }) => meanAbsolute > 0 || feature !== names.at(-1))
      .slice(0, featuresShown)
      .map(({ feature, index, meanAbsolute }) => ({
        feature,
        meanAbsolute,
        // With several classes a value pushes towards one and away from another.
        effects: width === 1 || of.label.task === "binary" ? byValue(of, index) : [],
      })),
    examples: examplesOf(of, names),
  };
}

/** The output that a row's explanation is about: the positive's, the value, or the called class's. */
function outputOf({ answers, effects }: Described, row: number): number {
  if (answers.width === 1) return effects.width - 1;
  let best = 0;
  for (let k = 1; k < answers.width; k += 1)
    if (answers.values[row * answers.width + k]! > answers.values[row * answers.width + best]!) best = k;
  return best;
}

function byValue(of: Described, index: number): FeatureEffect["effects"] {
  const feature = of.features[index];
  const column = feature === undefined ? undefined : of.columns[feature.name];
  if (feature === undefined || column === undefined || of.masked?.has(feature.name) === true) return [];
  const { groups, of: members } = groupBy(
    column instanceof Float32Array
      ? { name: feature.name, kind: "number", values: Float64Array.from(column) }
      : { name: feature.name, kind: "text", values: column.map((value) => (value === "" ? null : value)) },
  );
  const { width, columns, values } = of.effects;
  return groups.flatMap((value, group) => {
    let [sum, rows] = [0, 0];
    for (const [row, member] of members.entries()) {
      if (member !== group) continue;
      sum += values[(row * width + width - 1) * columns + index]!;
      rows += 1;
    }
    return rows === 0 ? [] : [{ value, effect: sum / rows, rows }];
  });
}

function examplesOf(of: Described, names: string[]): ExplainedRow[] {
  const { answers, label, threshold, effects } = of;
  const rows = effects.values.length / (effects.width * effects.columns);
  const score = (row: number) => answers.values[row * answers.width + (answers.width === 1 ? 0 : outputOf(of, row))]!;
  const order = Array.from({ length: rows }, (_, row) => row).sort((a, b) => score(a) - score(b) || a - b);
  const nearest = order.toSorted((a, b) => Math.abs(score(a) - threshold) - Math.abs(score(b) - threshold))[0];
  const chosen: [ExplainedRow["what"], number | undefined][] = [
    ["highest", order.at(-1)],
    label.task === "binary" ? ["nearest the threshold", nearest] : ["median", order[rows >> 1]],
    ["lowest", order[0]],
  ];
  return chosen.flatMap(([what, row]) =>
    row === undefined ? [] : [{ what, prediction: score(row), contributions: contributionsOf(of, row, names) }],
  );
}

function contributionsOf(of: Described, row: number, names: string[]): ExplainedRow["contributions"] {
  const { width, columns, values } = of.effects;
  const start = (row * width + outputOf(of, row)) * columns;
  return names
    .map((feature, index) => ({
      feature,
      value: of.masked?.has(feature) === true ? maskedValue : valueInWords(of.columns[feature]?.[row]),
      effect: values[start + index]!,
    }))
    .filter(({ effect }) => effect !== 0)
    .toSorted((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
    .slice(0, contributionsShown);
}

function valueInWords(value: number | string | undefined): string {
  if (value === undefined) return "";
  if (value === "" || Number.isNaN(value)) return "missing";
  return typeof value === "number" ? String(Number(value.toPrecision(5))) : value;
}
