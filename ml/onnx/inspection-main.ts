import { readFile } from "node:fs/promises";
import { CountersignError } from "../../domain/errors.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { addsUpToOne, isProbability } from "../metrics/probability.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { checkModelBytes, type ModelFacts } from "./model-bytes.ts";
import { openSession } from "./session.ts";

/**
 * The process in which a model is looked at for the first time, within limits and with nothing to
 * lose: static checks, then loading, then a few real rows. Reads `model.onnx` and `inspection.json`
 * in its working directory; its last line on stdout is the finding.
 */
export interface InspectionRequest {
  features: Feature[];
  /** What the model predicts. */
  label: LabelSpec;
  /** What the trainer's own model says of the first rows, `width` numbers a row; empty where it says nothing. */
  expected: number[];
  /** Some rows of the training data; null stands for a missing number, which JSON cannot hold. */
  sample: Record<string, (number | string | null)[]>;
}
export type InspectionFinding = { refused: string } | { accepted: ModelFacts & { output: string } };

process.stdin.on("end", () => process.exit(3));
process.stdin.resume();

async function inspect(): Promise<InspectionFinding> {
  // Written by inspectModel a moment ago.
  const { features, label, expected, sample } = JSON.parse(await readFile("inspection.json", "utf8")) as InspectionRequest;
  const bytes = await readFile("model.onnx");
  const facts = checkModelBytes(bytes, features);
  const columns: FeatureColumns = Object.fromEntries(
    features.map(({ name, type }) => [name, columnOf(type, sample[name] ?? [])]),
  );
  const rows = Object.values(columns)[0]?.length ?? 0;
  const session = await openSession({ bytes, features, label });
  const { width } = session;
  const together = await session.run(columns, 0, rows);
  for (let row = 0; row < rows; row += 1) {
    const fault = faultOf(together.subarray(row * width, (row + 1) * width), label);
    if (fault !== null)
      return { refused: `The model answers ${fault.answer} for row ${row + 1} of the training data; ${fault.rule}.` };
  }
  // Serving asks for one row at a time.
  const alone = await session.run(columns, 0, 1);
  const other = differing(alone, together.subarray(0, width));
  if (other !== null)
    return { refused: `The model answers ${other.left} for a row alone and ${other.right} for the same row among others.` };
  const spoken = differing(Float32Array.from(expected), together.subarray(0, expected.length));
  if (spoken !== null)
    return {
      refused: `The model answers ${spoken.right} where the trainer's own model says ${spoken.left}: something was lost on the way to ONNX.`,
    };
  return { accepted: { ...facts, output: session.output } };
}

function faultOf(answers: Float32Array, label: LabelSpec): { answer: string; rule: string } | null {
  const wrong = answers.find((answer) => (label.task === "regression" ? !Number.isFinite(answer) : !isProbability(answer)));
  if (wrong !== undefined)
    return {
      answer: String(wrong),
      rule: label.task === "regression" ? "a prediction is a finite number" : "a probability lies between 0 and 1",
    };
  if (label.task !== "multiclass") return null;
  const sum = answers.reduce((total, answer) => total + answer, 0);
  return addsUpToOne(sum) ? null : { answer: `probabilities that add up to ${sum}`, rule: "they must add up to 1" };
}

/** The first pair that differs by more than float32 explains: 1e-4, of the value where that is above 1. */
function differing(left: Float32Array, right: Float32Array): { left: number; right: number } | null {
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? Number.NaN;
    if (!(Math.abs(value - other) <= 1e-4 * Math.max(1, Math.abs(value)))) return { left: value, right: other };
  }
  return null;
}

function columnOf(type: Feature["type"], values: (number | string | null)[]): Float32Array | string[] {
  return type === "float"
    ? Float32Array.from(values, (value) => (value === null ? Number.NaN : Number(value)))
    : values.map((value) => String(value ?? ""));
}

let finding: InspectionFinding;
try {
  finding = await inspect();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  finding = {
    refused: error instanceof CountersignError ? message : `The runtime does not take the model: ${message}`,
  };
}
process.stdout.write(`${JSON.stringify(finding)}\n`, () => process.exit(0));
