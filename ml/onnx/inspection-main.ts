import { readFile } from "node:fs/promises";
import { CountersignError } from "../../domain/errors.ts";
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
  /** Some rows of the training data; null stands for a missing number, which JSON cannot hold. */
  sample: Record<string, (number | string | null)[]>;
}
export type InspectionFinding = { refused: string } | { accepted: ModelFacts & { output: string } };

process.stdin.on("end", () => process.exit(3));
process.stdin.resume();

async function inspect(): Promise<InspectionFinding> {
  // Written by inspectModel a moment ago.
  const { features, sample } = JSON.parse(await readFile("inspection.json", "utf8")) as InspectionRequest;
  const bytes = await readFile("model.onnx");
  const facts = checkModelBytes(bytes, features);
  const columns: FeatureColumns = Object.fromEntries(
    features.map(({ name, type }) => [name, columnOf(type, sample[name] ?? [])]),
  );
  const rows = Object.values(columns)[0]?.length ?? 0;
  const session = await openSession(bytes, features);
  const together = await session.run(columns, 0, rows);
  for (let row = 0; row < rows; row += 1) {
    const probability = together[row]!;
    if (!(probability >= 0 && probability <= 1))
      return {
        refused: `The model answers ${probability} for row ${row + 1} of the training data; a probability lies between 0 and 1.`,
      };
  }
  // Serving asks for one row at a time.
  const alone = await session.run(columns, 0, 1);
  if (Math.abs(alone[0]! - together[0]!) > 1e-4)
    return {
      refused: `The model answers ${alone[0]} for a row alone and ${together[0]} for the same row among others.`,
    };
  return { accepted: { ...facts, output: session.output } };
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
