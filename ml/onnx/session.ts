import { InferenceSession, Tensor } from "onnxruntime-node";
import { CountersignError } from "../../domain/errors.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";

export interface ModelSession {
  /** The probability of the positive class for each row. */
  run(columns: FeatureColumns, from: number, to: number): Promise<Float32Array>;
  /** `probabilities`, or what the model calls it. */
  output: string;
  close(): Promise<void>;
}

/** Loads a model into this process. Only for models that `inspectModel` has let pass. Throws `model-refused` where it has no usable output. */
export async function openSession(bytes: Uint8Array, features: Feature[], intraOpNumThreads = 1): Promise<ModelSession> {
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
  });
  const output = probabilityOutput(session);
  return {
    output,
    close: () => session.release(),
    run: async (columns, from, to) => {
      const feeds = Object.fromEntries(features.map((feature) => [feature.name, inputTensor(feature, columns, { from, to })]));
      const { dims, data } = (await session.run(feeds, [output]))[output]!;
      if (!(data instanceof Float32Array) || dims.length !== 2 || dims[0] !== to - from || dims[1] !== 2)
        throw new CountersignError(
          "model-refused",
          `The output "${output}" has the shape [${dims.join(", ")}] for ${to - from} rows, not [${to - from}, 2].`,
        );
      const positive = new Float32Array(to - from);
      for (let row = 0; row < positive.length; row += 1) positive[row] = data[2 * row + 1]!;
      return positive;
    },
  };
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

/** The one float output with a column for each of the two classes: by its usual name, or the only one there is. */
function probabilityOutput(session: InferenceSession): string {
  const usable = session.outputMetadata.flatMap((output) =>
    output.isTensor && output.type === "float32" && output.shape.length === 2 && isPairOrOpen(output.shape[1])
      ? [output.name]
      : [],
  );
  const [only] = usable;
  if (usable.includes("probabilities")) return "probabilities";
  if (only !== undefined && usable.length === 1) return only;
  const names = session.outputNames.join(", ");
  if (session.outputMetadata.some(({ isTensor }) => !isTensor))
    throw new CountersignError(
      "model-refused",
      `An output of the model (${names}) is a list of maps: convert it with zipmap: False.`,
    );
  throw new CountersignError(
    "model-refused",
    `The model's outputs (${names}) hold no float tensor "probabilities" of the shape [rows, 2].`,
  );
}

/** A size that the model leaves open is a name, or a number below one. */
function isPairOrOpen(size: number | string | undefined): boolean {
  return size === 2 || typeof size === "string" || (size ?? 0) < 1;
}
