import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBounded } from "../trainers/bounded-process.ts";
import { findIsolation } from "../trainers/isolation.ts";
import { ownProgram } from "../trainers/own-program.ts";
import { makeWorkplace, mustHaveBegun, type Workplace } from "../trainers/workplace.ts";
import type { LabelSpec } from "../../domain/task.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import type { InspectionFinding, InspectionRequest } from "./inspection-main.ts";
import { defaultModelLimitBytes, type ModelFacts, refused } from "./model-bytes.ts";

export interface InspectModelInput {
  bytes: Uint8Array;
  features: Feature[];
  /** What the model predicts; binary where it is left out. */
  label?: LabelSpec | undefined;
  /** What the trainer's own model says of the first rows of the sample, row by row. */
  expected?: number[];
  /** A few rows of the training data (20 do), on which the model must answer sensibly. */
  sample: FeatureColumns;
  maxBytes?: number;
  wallMs?: number;
  /** Of the child; by default 1 GiB and six times the model: parsed, and once more in the runtime, with room for Node and for what the operators need. */
  memoryBytes?: number;
  signal?: AbortSignal;
}

const inspectionMain = new URL("./inspection-main.ts", import.meta.url);
/** Of the finding: it writes no file. */
const outputBytes = 16 << 20;

/**
 * Lets a model pass or throws `model-refused` with the cause. The bytes are parsed, loaded and run
 * once in a child process with bounded time and memory, without network and secrets: what a
 * malformed model breaks there is lost for nobody.
 */
export async function inspectModel(input: InspectModelInput): Promise<ModelFacts & { output: string }> {
  const { bytes, features, sample, maxBytes = defaultModelLimitBytes, wallMs = 60_000 } = input;
  const memoryBytes = input.memoryBytes ?? 2 ** 30 + 6 * bytes.byteLength;
  if (bytes.byteLength === 0) throw refused("The model file is empty.");
  if (bytes.byteLength > maxBytes) throw refused(`The model has ${bytes.byteLength} bytes; ${maxBytes} are allowed.`);
  const isolation = await findIsolation();
  const folder = await mkdtemp(join(tmpdir(), "countersign-inspection-"));
  let place: Workplace | null = null;
  try {
    const request: InspectionRequest = {
      features,
      label: input.label ?? { task: "binary" },
      expected: input.expected ?? [],
      sample: Object.fromEntries(features.map(({ name }) => [name, jsonColumn(sample[name] ?? [])])),
    };
    await writeFile(join(folder, "model.onnx"), bytes);
    await writeFile(join(folder, "inspection.json"), JSON.stringify(request));
    for (const name of ["model.onnx", "inspection.json"]) await chmod(join(folder, name), 0o644);
    place = await makeWorkplace({ isolation, command: ownProgram(inspectionMain), inputs: folder, outputBytes });
    const end = await runBounded({
      ...place.process,
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      limits: { wallMs, memoryBytes, outputBytes },
      signal: input.signal ?? new AbortController().signal,
    });
    mustHaveBegun(end);
    if (end.stoppedBy === "cancelled") input.signal?.throwIfAborted();
    if (end.stoppedBy === "time")
      throw refused(`Loading the model and running it on a few rows took longer than ${wallMs / 1000} s.`);
    if (end.stoppedBy === "memory")
      throw refused(`Loading the model took more than ${Math.round(end.peakMemoryBytes / 2 ** 20)} MB of memory.`);
    if (end.code !== 0)
      throw refused(
        `The process that loaded the model ended with ${end.signal ?? `exit code ${end.code}`}. ${lastLine(end.log)}`.trim(),
      );
    const line = end.log.split("\n").findLast((text) => text.startsWith("{")) ?? "{}";
    // Printed by inspection-main.ts, which ended well.
    const finding = JSON.parse(line) as InspectionFinding;
    if ("refused" in finding) throw refused(finding.refused);
    return finding.accepted;
  } finally {
    await place?.leave();
    await rm(folder, { recursive: true, force: true });
  }
}

function jsonColumn(column: Float32Array | string[]): (number | string | null)[] {
  return column instanceof Float32Array ? Array.from(column, (value) => (Number.isFinite(value) ? value : null)) : column;
}

function lastLine(log: string): string {
  return log.trimEnd().split("\n").at(-1) ?? "";
}
