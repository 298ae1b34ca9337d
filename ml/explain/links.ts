import type { Task } from "../../domain/task.ts";
import type { Answers } from "../evaluation/model-answers.ts";
import type { Effects } from "./linear-shap.ts";

export interface Link {
  unit: "log-odds" | "value" | "probability";
  /** Largest distance of base + effects, through the link, from the model's answer. */
  error: number;
}

/** Float32 sums of some hundred trees are right to about 1e-5; more than this is another model. */
const tolerance = 1e-4;

/** How a model makes its answer of its margin, found by trying: as it is, by the logistic function, or by softmax. Null where none fits. */
export function linkThatFits(effects: Effects, answers: Answers, task: Task): Link | null {
  const margins = marginsOf(effects);
  const { width } = effects;
  const { values } = answers;
  const rows = margins.length / width;
  const candidates: { unit: Link["unit"]; answer: (row: number, k: number) => number }[] =
    answers.width > 1
      ? [
          { unit: "log-odds", answer: (row, k) => softmax(margins, row * width, { width, k }) },
          { unit: "probability", answer: (row, k) => margins[row * width + k]! },
        ]
      : [
          // A binary model with a value a class: the positive's is the second.
          { unit: task === "regression" ? "value" : "probability", answer: (row) => margins[row * width + width - 1]! },
          { unit: "log-odds", answer: (row) => 1 / (1 + Math.exp(-margins[row * width + width - 1]!)) },
        ];
  if (answers.width > 1 && answers.width !== width) return null;
  for (const { unit, answer } of candidates) {
    let error = 0;
    for (let row = 0; row < rows; row += 1)
      for (let k = 0; k < answers.width; k += 1) {
        const wanted = values[row * answers.width + k]!;
        error = Math.max(error, Math.abs(answer(row, k) - wanted) / Math.max(1, Math.abs(wanted)));
      }
    if (error <= tolerance) return { unit, error };
  }
  return null;
}

function marginsOf({ base, values, width, columns }: Effects): Float64Array {
  const lines = values.length / columns;
  const margins = new Float64Array(lines);
  for (let line = 0; line < lines; line += 1) {
    let sum = base[line % width]!;
    for (let column = 0; column < columns; column += 1) sum += values[line * columns + column]!;
    margins[line] = sum;
  }
  return margins;
}

function softmax(margins: Float64Array, start: number, { width, k }: { width: number; k: number }): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let other = 0; other < width; other += 1) most = Math.max(most, margins[start + other]!);
  let sum = 0;
  for (let other = 0; other < width; other += 1) sum += Math.exp(margins[start + other]! - most);
  return Math.exp(margins[start + k]! - most) / sum;
}
