import onnxProto from "onnx-proto";
import { CountersignError } from "../../domain/errors.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import { elementTypes } from "./graph-parts.ts";

export const defaultModelLimitBytes = 200 << 20;

/** The standard's two; any other domain is code that the runtime would have to be given. */
const knownDomains = new Set(["", "ai.onnx", "ai.onnx.ml"]);
/** Its number of rounds comes from the data: a request could hold the serving process for ever. */
const refusedOperators = new Set(["Loop"]);

export interface ModelFacts {
  producer: string;
  irVersion: number;
  /** `ai.onnx` → 17. */
  opsets: Record<string, number>;
  operators: string[];
}

/**
 * Checks what can be known without running anything: that the bytes are an ONNX model which is
 * whole in itself, has standard operators only, and takes exactly the features. Runs in the
 * process that may die of it (inspection-main.ts): protobuf of bad intent can unfold into many
 * times its size. Throws `model-refused`.
 */
export function checkModelBytes(bytes: Uint8Array, features: FeatureSpec["features"]): ModelFacts {
  const model = decode(bytes);
  const graph = model.graph;
  if (graph === null || graph === undefined || (graph.node ?? []).length === 0) throw refused("The file holds no graph.");
  if ((model.functions ?? []).length > 0)
    throw refused("The model defines functions of its own; only standard operators are taken.");
  const opsets: Record<string, number> = {};
  for (const { domain, version } of model.opsetImport ?? []) {
    const name = domain === null || domain === undefined || domain === "" ? "ai.onnx" : domain;
    if (!knownDomains.has(name))
      throw refused(`The model wants operators of the domain "${name}"; only ai.onnx and ai.onnx.ml are taken.`);
    opsets[name] = Number(version ?? 0);
  }
  const operators = new Set<string>();
  checkGraph(graph, operators);
  checkInputs(graph, features);
  return {
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(" "),
    irVersion: Number(model.irVersion ?? 0),
    opsets,
    operators: [...operators].sort(),
  };
}

export function refused(cause: string): CountersignError {
  return new CountersignError("model-refused", cause);
}

function decode(bytes: Uint8Array): onnxProto.onnx.ModelProto {
  try {
    return onnxProto.onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw new CountersignError(
      "model-refused",
      `The file is no ONNX model: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    );
  }
}

function checkGraph(graph: onnxProto.onnx.IGraphProto, operators: Set<string>): void {
  for (const tensor of graph.initializer ?? []) checkTensor(tensor);
  for (const { values, indices } of graph.sparseInitializer ?? []) for (const tensor of [values, indices]) checkTensor(tensor);
  for (const { opType, domain, attribute } of graph.node ?? []) {
    if (!knownDomains.has(domain ?? ""))
      throw refused(`The operator ${opType} is of the domain "${domain}"; only ai.onnx and ai.onnx.ml are taken.`);
    if (refusedOperators.has(opType ?? ""))
      throw refused(`The operator ${opType} is not taken: how long it runs depends on the data.`);
    operators.add(domain === "ai.onnx.ml" ? `ai.onnx.ml.${opType}` : (opType ?? ""));
    for (const { t, tensors, sparseTensor, sparseTensors, g, graphs } of attribute ?? []) {
      for (const tensor of [t, ...(tensors ?? [])]) checkTensor(tensor);
      for (const sparse of [sparseTensor, ...(sparseTensors ?? [])])
        for (const tensor of [sparse?.values, sparse?.indices]) checkTensor(tensor);
      for (const inner of [g, ...(graphs ?? [])]) if (inner !== null && inner !== undefined) checkGraph(inner, operators);
    }
  }
}

function checkTensor(tensor: onnxProto.onnx.ITensorProto | null | undefined): void {
  if (tensor === null || tensor === undefined) return;
  if ((tensor.externalData ?? []).length > 0 || tensor.dataLocation === onnxProto.onnx.TensorProto.DataLocation.EXTERNAL)
    throw refused(`The tensor "${tensor.name}" lies in a file beside the model (external data); a model must be one file.`);
}

function checkInputs(graph: onnxProto.onnx.IGraphProto, features: FeatureSpec["features"]): void {
  const constants = new Set((graph.initializer ?? []).map(({ name }) => name));
  // Before IR 4 constants were listed among the inputs too.
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name));
  const featureTypes = new Map(features.map(({ name, type }) => [name, type]));
  for (const { name, type } of inputs) {
    const wanted = featureTypes.get(name ?? "");
    if (wanted === undefined)
      throw refused(
        `The model's input "${name}" is no feature; the features are ${features.map((feature) => feature.name).join(", ")}.`,
      );
    const tensor = type?.tensorType;
    const given = tensor?.elemType;
    if (given !== elementTypes[wanted])
      throw refused(`The model's input "${name}" is ${typeName(given)}, but the feature is ${wanted}.`);
    const dims = tensor?.shape?.dim ?? [];
    const width = Number(dims[1]?.dimValue ?? 0);
    // A size of 0 stands for one that is left open.
    if (dims.length !== 2 || (width !== 1 && width !== 0))
      throw refused(`The model's input "${name}" must have the shape [rows, 1].`);
    if (Number(dims[0]?.dimValue ?? 0) > 0)
      throw refused(
        `The model's input "${name}" takes ${String(dims[0]?.dimValue)} rows at a time; the number of rows must be open.`,
      );
    featureTypes.delete(name ?? "");
  }
  const [missing] = featureTypes.keys();
  if (missing !== undefined) throw refused(`The model has no input for the feature "${missing}".`);
}

function typeName(elemType: number | null | undefined): string {
  const name = Object.entries(onnxProto.onnx.TensorProto.DataType).find(([, number]) => number === elemType)?.[0];
  return name === undefined ? "no tensor" : name.toLowerCase();
}
