import { InferenceSession, Tensor } from "onnxruntime-node";
import { CountersignError } from "../../domain/errors.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { clipProbabilities } from "../metrics/probability.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";

export interface ModelSession {
  /**
   * `width` numbers a row, row by row: binary the probability of the positive class, multiclass one
   * probability a class in their order, regression the value. Probabilities that rounding carried past 0 or 1 are
   * put back: whoever reads a model's answers reads them here.
   */
  run(columns: FeatureColumns, from: number, to: number): Promise<Float32Array>;
  width: number;
  /** `probabilities`, `value`, or what the model calls it. */
  output: string;
  close(): Promise<void>;
}

export interface SessionInput {
  bytes: Uint8Array;
  features: Feature[];
  /** What the model predicts; binary where it is left out. */
  label?: LabelSpec | undefined;
  /** Threads within one operator; one is fastest for the small batches of serving. */
  intraOpNumThreads?: number;
}

/** Loads a model into this process. Only for models that `inspectModel` has let pass. Throws `model-refused` where it has no usable output. */
export async function openSession(input: SessionInput): Promise<ModelSession> {
  const { bytes, features, label = { task: "binary" }, intraOpNumThreads = 1 } = input;
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
  });
  const output = label.task === "regression" ? valueOutput(session) : probabilityOutput(session, columnsOf(label));
  return {
    output,
    width: label.task === "multiclass" ? label.classes.length : 1,
    close: () => session.release(),
    run: async (columns, from, to) => {
      const feeds = Object.fromEntries(features.map((feature) => [feature.name, inputTensor(feature, columns, { from, to })]));
      const tensor = (await session.run(feeds, [output]))[output]!;
      return readOutput(tensor, { output, rows: to - from, label });
    },
  };
}

/** Columns of the model's output. */
function columnsOf(label: LabelSpec): number {
  if (label.task === "multiclass") return label.classes.length;
  return label.task === "binary" ? 2 : 1;
}

function readOutput(
  { dims, data }: Tensor,
  { output, rows, label }: { output: string; rows: number; label: LabelSpec },
): Float32Array {
  const columns = columnsOf(label);
  const flat = label.task === "regression" && dims.length === 1;
  const fits = data instanceof Float32Array && dims[0] === rows && (flat || (dims.length === 2 && dims[1] === columns));
  if (!fits)
    throw new CountersignError(
      "model-refused",
      `The output "${output}" has the shape [${dims.join(", ")}] for ${rows} rows, not [${rows}, ${columns}].`,
    );
  if (label.task === "regression") return data;
  if (label.task === "multiclass") return clipProbabilities(data);
  const positive = new Float32Array(rows);
  for (let row = 0; row < rows; row += 1) positive[row] = data[2 * row + 1]!;
  return clipProbabilities(positive);
}

function inputTensor({ name, type }: Feature, columns: FeatureColumns, { from, to }: { from: number; to: number }): Tensor {
  const column = columns[name];
  if (column === undefined) throw new RangeError(`The feature "${name}" is not there.`);
  if (column instanceof Float32Array !== (type === "float"))
    throw new RangeError(`The feature "${name}" is not given as ${type}.`);
  const dims = [to - from, 1];
  return column instanceof Float32Array
    ? new Tensor("float32", column.subarray(from, to), dims)
    : new Tensor("string", column.slice(from, to), dims);
}

/** The one float output with a column for each of the classes: by its usual name, or the only one there is. */
function probabilityOutput(session: InferenceSession, columns: number): string {
  const usable = session.outputMetadata.flatMap((output) =>
    output.isTensor && output.type === "float32" && output.shape.length === 2 && isOpenOr(columns, output.shape[1])
      ? [output.name]
      : [],
  );
  const found = namedOrOnly(usable, ["probabilities"]);
  if (found !== null) return found;
  const names = session.outputNames.join(", ");
  if (session.outputMetadata.some(({ isTensor }) => !isTensor))
    throw new CountersignError(
      "model-refused",
      `An output of the model (${names}) is a list of maps: convert it with zipmap: False.`,
    );
  throw new CountersignError(
    "model-refused",
    `The model's outputs (${names}) hold no float tensor "probabilities" of the shape [rows, ${columns}].`,
  );
}

/** The one float output with a single number a row: `value`, what skl2onnx calls it, or the only one there is. */
function valueOutput(session: InferenceSession): string {
  const usable = session.outputMetadata.flatMap((output) =>
    output.isTensor &&
    output.type === "float32" &&
    (output.shape.length === 1 || (output.shape.length === 2 && isOpenOr(1, output.shape[1])))
      ? [output.name]
      : [],
  );
  const found = namedOrOnly(usable, ["value", "variable"]);
  if (found !== null) return found;
  throw new CountersignError(
    "model-refused",
    `The model's outputs (${session.outputNames.join(", ")}) hold no float tensor "value" of the shape [rows, 1].`,
  );
}

function namedOrOnly(usable: string[], names: string[]): string | null {
  const named = names.find((name) => usable.includes(name));
  const [only] = usable;
  return named ?? (usable.length === 1 && only !== undefined ? only : null);
}

/** A size that the model leaves open is a name, or a number below one. */
function isOpenOr(columns: number, size: number | string | undefined): boolean {
  return size === columns || typeof size === "string" || (size ?? 0) < 1;
}
