import onnxProto from "onnx-proto";

/** Short forms for the protobuf messages of which a graph is made. */
const { onnx } = onnxProto;
const { AttributeType } = onnx.AttributeProto;

export const elementTypes = {
  float: onnx.TensorProto.DataType.FLOAT,
  int64: onnx.TensorProto.DataType.INT64,
  string: onnx.TensorProto.DataType.STRING,
};

export interface NodeParts {
  op: string;
  domain?: string;
  inputs: string[];
  output: string;
  attributes?: onnxProto.onnx.IAttributeProto[];
}

export function node({ op, domain, inputs, output, attributes }: NodeParts): onnxProto.onnx.INodeProto {
  return {
    opType: op,
    ...(domain === undefined ? {} : { domain }),
    name: `${op}:${output}`,
    input: inputs,
    output: [output],
    attribute: attributes ?? [],
  };
}

export const attribute = {
  int: (name: string, value: number) => ({ name, type: AttributeType.INT, i: value }),
  float: (name: string, value: number) => ({ name, type: AttributeType.FLOAT, f: value }),
  ints: (name: string, values: number[]) => ({ name, type: AttributeType.INTS, ints: values }),
  floats: (name: string, values: number[]) => ({
    name,
    type: AttributeType.FLOATS,
    floats: values,
  }),
  strings: (name: string, values: string[]) => ({
    name,
    type: AttributeType.STRINGS,
    strings: values.map((value) => new TextEncoder().encode(value)),
  }),
};

/** A float32 constant; bytes are little-endian as the format demands. */
export function floatTensor(name: string, dims: number[], values: number[]): onnxProto.onnx.ITensorProto {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setFloat32(index * 4, value, true));
  return { name, dataType: elementTypes.float, dims, rawData: bytes };
}

export function int64Tensor(name: string, values: number[]): onnxProto.onnx.ITensorProto {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setBigInt64(index * 8, BigInt(value), true));
  return { name, dataType: elementTypes.int64, dims: [values.length], rawData: bytes };
}

/** A graph input or output; `"N"` is the number of rows, known only at run time. */
export function tensorInfo(name: string, elemType: number, dims: ("N" | number)[]): onnxProto.onnx.IValueInfoProto {
  const dim = dims.map((size) => (size === "N" ? { dimParam: "N" } : { dimValue: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
