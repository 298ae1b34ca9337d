import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runBounded } from "../trainers/bounded-process.ts";
import { isolationFor } from "../trainers/isolation.ts";
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

const inspectionMain = fileURLToPath(new URL("./inspection-main.ts", import.meta.url));

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
  const command = { command: process.execPath, args: [inspectionMain] };
  const isolation = await isolationFor(command);
  const folder = await mkdtemp(join(tmpdir(), "countersign-inspection-"));
  try {
    const request: InspectionRequest = {
      features,
      label: input.label ?? { task: "binary" },
      expected: input.expected ?? [],
      sample: Object.fromEntries(features.map(({ name }) => [name, jsonColumn(sample[name] ?? [])])),
    };
    await writeFile(join(folder, "model.onnx"), bytes);
    await writeFile(join(folder, "inspection.json"), JSON.stringify(request));
    for (const path of [join(folder, "model.onnx"), join(folder, "inspection.json"), folder]) {
      if (isolation.user !== null) await chown(path, isolation.user, isolation.user);
      await chmod(path, 0o700);
    }
    const end = await runBounded({
      ...isolation.wrap(command),
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      limits: { wallMs, memoryBytes, outputBytes: 16 << 20 },
      signal: input.signal ?? new AbortController().signal,
    });
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
    await rm(folder, { recursive: true, force: true });
  }
}

function jsonColumn(column: Float32Array | string[]): (number | string | null)[] {
  return column instanceof Float32Array ? Array.from(column, (value) => (Number.isFinite(value) ? value : null)) : column;
}

function lastLine(log: string): string {
  return log.trimEnd().split("\n").at(-1) ?? "";
}
