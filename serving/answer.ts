import type { InputWarning } from "../domain/input-warning.ts";
import type { LabelSpec } from "../domain/task.ts";
import { isProbability } from "../ml/metrics/probability.ts";

/** What is answered for one row, and kept. */
export interface Answer {
  /** Null for a regression. */
  label: string | null;
  /** Of the positive class; of the label where there are several; null for a regression. */
  probability: number | null;
  /** Multiclass alone: by the name of the class. */
  probabilities?: Record<string, number>;
  /** Regression alone. */
  value?: number;
  /** What of the row training never saw; absent where nothing. */
  warnings?: InputWarning[];
}

export interface AnswerRule {
  label: LabelSpec;
  /** What a positive of a binary model is called, and from which probability on it is given. */
  positive: string;
  threshold: number;
}

/** What a model's numbers for one row mean; null when they are no answer of its task. */
export function answerOf(values: Float32Array, { label, positive, threshold }: AnswerRule): Answer | null {
  if (label.task === "regression") {
    const [value = Number.NaN] = values;
    return Number.isFinite(value) ? { label: null, probability: null, value } : null;
  }
  if (!values.every(isProbability)) return null;
  if (label.task === "binary") {
    const [probability = Number.NaN] = values;
    return { label: probability >= threshold ? positive : `not ${positive}`, probability };
  }
  let likeliest = 0;
  for (const [place, value] of values.entries()) if (value > (values[likeliest] ?? 0)) likeliest = place;
  return {
    label: label.classes[likeliest] ?? "",
    probability: values[likeliest] ?? Number.NaN,
    probabilities: Object.fromEntries(label.classes.map((name, place) => [name, values[place] ?? Number.NaN])),
  };
}
