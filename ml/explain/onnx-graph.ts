import onnxProto from "onnx-proto";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { pickRows } from "../evaluation/sample.ts";

/** Looks into ONNX graphs and runs parts of them. Only for models that were inspected. */
export type Graph = onnxProto.onnx.ModelProto;
export type GraphNode = onnxProto.onnx.INodeProto;

const batchRows = 4096;

export function readGraph(bytes: Uint8Array): Graph {
  return onnxProto.onnx.ModelProto.decode(bytes);
}

export function nodesOf(graph: Graph, ...operators: string[]): GraphNode[] {
  return (graph.graph?.node ?? []).filter(({ opType }) => operators.includes(opType ?? ""));
}

/** The attributes of a node by name, each as the type that it is asked for; what is absent gives nothing. */
export function attributesOf(node: GraphNode) {
  const byName = new Map((node.attribute ?? []).map((attribute) => [attribute.name, attribute]));
  const texts = (values: (Uint8Array | string)[] | null | undefined) =>
    (values ?? []).map((value) => (typeof value === "string" ? value : new TextDecoder().decode(value)));
  return {
    ints: (name: string) => (byName.get(name)?.ints ?? []).map(Number),
    floats: (name: string) => (byName.get(name)?.floats ?? []).map(Number),
    texts: (name: string) => texts(byName.get(name)?.strings),
    text: (name: string) => texts([byName.get(name)?.s ?? ""])[0] ?? "",
    has: (name: string) => byName.has(name),
  };
}

export interface Matrix {
  rows: number;
  width: number;
  values: Float32Array;
}

/**
 * Runs a graph up to one of its inner tensors: the bytes of a model whose only output is that one,
 * loaded anew. Null where the tensor is no float matrix.
 */
export async function openInner(graph: Graph, tensor: string, features: Feature[]) {
  const copy = onnxProto.onnx.ModelProto.decode(onnxProto.onnx.ModelProto.encode(graph).finish());
  if (copy.graph) {
    const output = { name: tensor, type: { tensorType: { elemType: onnxProto.onnx.TensorProto.DataType.FLOAT } } };
    // create() gives the default of every other field.
    copy.graph.output = [onnxProto.onnx.ValueInfoProto.create(output)];
  }
  const session = await InferenceSession.create(onnxProto.onnx.ModelProto.encode(copy).finish(), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return {
    run: async (columns: FeatureColumns): Promise<Matrix | null> => {
      const rows = Object.values(columns)[0]?.length ?? 0;
      const parts: Float32Array[] = [];
      let width = 0;
      for (let from = 0; from < rows; from += batchRows) {
        const some = Uint32Array.from({ length: Math.min(batchRows, rows - from) }, (_, index) => from + index);
        const given = pickRows(columns, some);
        const feeds = Object.fromEntries(
          features.flatMap(({ name }) =>
            session.inputNames.includes(name) ? [[name, tensorOf(given[name]!, some.length)] as const] : [],
          ),
        );
        const found = (await session.run(feeds))[tensor];
        if (found === undefined || !(found.data instanceof Float32Array)) return null;
        width = found.data.length / some.length;
        if (!Number.isInteger(width)) return null;
        parts.push(found.data);
      }
      const values = new Float32Array(rows * width);
      let at = 0;
      for (const part of parts) {
        values.set(part, at);
        at += part.length;
      }
      return { rows, width, values };
    },
    close: () => session.release(),
  };
}

function tensorOf(column: FeatureColumns[string], rows: number): Tensor {
  return column instanceof Float32Array ? new Tensor("float32", column, [rows, 1]) : new Tensor("string", column, [rows, 1]);
}
