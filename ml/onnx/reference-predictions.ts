import { CountersignError } from "../../domain/errors.ts";
import { type ReferencePredictions, referenceSchema } from "../../domain/reference-predictions.ts";
import type { LabelSpec } from "../../domain/task.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { createScorer } from "./scorer.ts";

/** Float32 explains less: measured 1e-7 for linear models, 1e-5 for sums of hundreds of trees. Of the value where that is above 1. */
const tolerance = 1e-4;

/**
 * Compares a model with what it answered where it was trained. Conversion loses what a few rows of training data may
 * never show: skl2onnx's trees send missing values another way than scikit-learn, up to 1.0 in probability.
 * Throws `model-refused` with the worst row.
 */
export async function checkReference(
  text: string,
  { bytes, features, label }: { bytes: Uint8Array; features: Feature[]; label: LabelSpec },
): Promise<{ rows: number; largest: number }> {
  const { inputs, outputs } = parsed(text);
  const columns = columnsOf(inputs, features);
  const scorer = await createScorer({ bytes, features, label });
  try {
    const { width, values } = await scorer.scoreAll(columns);
    const expected = outputs.map((output) => (Array.isArray(output) ? output : [output]));
    const odd = expected.findIndex((output) => output.length !== width);
    if (expected.length !== inputs.length || odd !== -1)
      throw refused(
        odd === -1
          ? `has ${inputs.length} inputs and ${expected.length} outputs`
          : `has ${expected[odd]?.length} numbers as output ${odd + 1}, and this model answers ${width}`,
      );
    return compared(expected.flat(), values, width);
  } finally {
    await scorer.close();
  }
}

function compared(expected: number[], answered: Float32Array, width: number): { rows: number; largest: number } {
  const differing = new Set<number>();
  let worst = { at: 0, difference: 0 };
  for (const [at, wanted] of expected.entries()) {
    const difference = Math.abs(wanted - answered[at]!) / Math.max(1, Math.abs(wanted));
    // A NaN is as far away as can be.
    const far = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (far > tolerance) differing.add(Math.floor(at / width));
    if (far > worst.difference) worst = { at, difference: far };
  }
  const rows = expected.length / width;
  if (differing.size === 0) return { rows, largest: worst.difference };
  const row = Math.floor(worst.at / width) + 1;
  throw refused(
    `is not what this model answers: ${differing.size} of ${rows} rows differ by more than ${tolerance}, the most row ${row}, where it answers ${answered[worst.at]} and should ${expected[worst.at]}`,
  );
}

function parsed(text: string): ReferencePredictions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused("is no valid JSON");
  }
  const found = referenceSchema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw refused(`must be { inputs: [{ feature: value }], outputs: [number] }: ${issue?.path.join(".")} ${issue?.message}`);
}

function columnsOf(inputs: Record<string, number | string | null>[], features: Feature[]): FeatureColumns {
  return Object.fromEntries(
    features.map(({ name, type }) => {
      const wrong = inputs.findIndex((row) => {
        const value = row[name];
        return value === undefined || (value !== null && typeof value !== (type === "float" ? "number" : "string"));
      });
      if (wrong !== -1)
        throw refused(`has no ${type === "float" ? "number" : "text"} (or null) for ${name} in input ${wrong + 1}`);
      const column =
        type === "float"
          ? Float32Array.from(inputs, (row) => Number(row[name] ?? Number.NaN))
          : inputs.map((row) => String(row[name] ?? ""));
      return [name, column];
    }),
  );
}

function refused(cause: string): CountersignError {
  return new CountersignError("model-refused", `train.reference ${cause}.`, {
    faults: [{ path: "train.reference", message: cause }],
    cure: "Convert the model again so that it answers as it did where it was trained, or correct the reference file, then retry.",
  });
}
