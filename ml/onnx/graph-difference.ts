import onnxProto from "onnx-proto";
import type { TrainingDifference } from "../../domain/reproduction.ts";

type Model = onnxProto.onnx.IModelProto;
type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;
type Tensor = onnxProto.onnx.ITensorProto;

const shownLength = 80;

/**
 * The first place at which two ONNX models differ, in the order in which a reader would look: what the file
 * says of itself, then node by node its operator, wiring and attributes, then constants, then inputs and
 * outputs. Null where all of that is the same. For bytes that were inspected before.
 */
export function firstGraphDifference(recorded: Uint8Array, now: Uint8Array): TrainingDifference | null {
  const [left, right]: Model[] = [recorded, now].map((bytes) => onnxProto.onnx.ModelProto.decode(bytes));
  return (
    ofHead(left ?? {}, right ?? {}) ??
    ofNodes(left?.graph?.node ?? [], right?.graph?.node ?? []) ??
    ofTensors(left?.graph?.initializer ?? [], right?.graph?.initializer ?? []) ??
    ofParts("graph: inputs and outputs", partsOf(left), partsOf(right))
  );
}

function partsOf(model: Model | undefined) {
  return { input: model?.graph?.input, output: model?.graph?.output, name: model?.graph?.name };
}

function ofHead(left: Model, right: Model): TrainingDifference | null {
  const facts = ({ irVersion, opsetImport, producerName, producerVersion, metadataProps }: Model) => ({
    "IR version": Number(irVersion ?? 0),
    opsets: (opsetImport ?? []).map(({ domain, version }) => `${domain || "ai.onnx"} ${String(version)}`).join(", "),
    producer: [producerName, producerVersion].filter(Boolean).join(" "),
    metadata: JSON.stringify(metadataProps ?? []),
  });
  return firstOf(facts(left), facts(right), (name) => `graph: its ${name}`);
}

function ofNodes(left: Node[], right: Node[]): TrainingDifference | null {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [one, other] = [left[index], right[index]];
    const place = `graph: node ${index + 1} of ${left.length} (${one?.opType ?? other?.opType ?? "?"})`;
    if (one === undefined || other === undefined)
      return { what: place, recorded: one?.opType ?? null, now: other?.opType ?? null };
    const facts = ({ opType, domain, name, input, output }: Node) => ({
      operator: [domain, opType].filter(Boolean).join("."),
      name: name ?? "",
      inputs: (input ?? []).join(", "),
      outputs: (output ?? []).join(", "),
    });
    const found =
      firstOf(facts(one), facts(other), (what) => `${place}, ${what}`) ??
      ofAttributes(place, one.attribute ?? [], other.attribute ?? []);
    if (found !== null) return found;
  }
  return null;
}

function ofAttributes(place: string, left: Attribute[], right: Attribute[]): TrainingDifference | null {
  const names = [...new Set([...left, ...right].map(({ name }) => name ?? ""))];
  for (const name of names) {
    const [one, other] = [left, right].map((all) => all.find((attribute) => attribute.name === name));
    const what = `${place}, attribute ${name}`;
    if (one === undefined || other === undefined) return { what, recorded: shownOf(one), now: shownOf(other) };
    const found =
      ofNumbers(what, listOf(one), listOf(other)) ??
      (one.t || other.t ? ofTensors(one.t ? [one.t] : [], other.t ? [other.t] : []) : null) ??
      ofParts(what, one, other);
    if (found !== null) return found;
  }
  return null;
}

/** What an attribute holds: a list, or its one value. */
function listOf({ floats, ints, strings, f, i, s }: Attribute): readonly unknown[] {
  const list = [floats, ints, strings].find((one) => (one ?? []).length > 0);
  return list ?? [...(s && s.length > 0 ? [s] : []), ...(f ? [f] : []), ...(i ? [i] : [])];
}

/** Numbers, 64-bit integers as protobuf's own objects, or texts as bytes. */
function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);
}

function ofNumbers(what: string, left: readonly unknown[], right: readonly unknown[]): TrainingDifference | null {
  const at = left.findIndex(
    (value, index) => index >= right.length || (value !== right[index] && textOf(value) !== textOf(right[index])),
  );
  if (at === -1 && left.length === right.length) return null;
  const place = at === -1 ? left.length : at;
  const told = (list: readonly unknown[]) => (place < list.length ? shown(textOf(list[place])) : null);
  return { what: `${what}, entry ${place + 1} of ${left.length}`, recorded: told(left), now: told(right) };
}

function ofTensors(left: Tensor[], right: Tensor[]): TrainingDifference | null {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [one, other] = [left[index], right[index]];
    const what = `graph: constant ${one?.name ?? other?.name ?? index + 1}`;
    const found = ofNumbers(what, numbersOf(one), numbersOf(other)) ?? ofParts(what, one, other);
    if (found !== null) return found;
  }
  return null;
}

/** What a tensor holds where it is written as numbers of four bytes or as texts; its raw bytes are compared as a whole otherwise. */
function numbersOf(tensor: Tensor | undefined): readonly unknown[] {
  const { rawData, dataType, floatData, int64Data, stringData } = tensor ?? {};
  if (rawData && rawData.length > 0 && dataType === onnxProto.onnx.TensorProto.DataType.FLOAT) {
    const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
    return Array.from({ length: Math.floor(rawData.byteLength / 4) }, (_, index) => view.getFloat32(index * 4, true));
  }
  return [floatData, int64Data, stringData].find((one) => (one ?? []).length > 0) ?? [];
}

function firstOf<Facts extends Record<string, string | number>>(
  left: Facts,
  right: Facts,
  named: (name: string) => string,
): TrainingDifference | null {
  const name = Object.keys(left).find((one) => left[one] !== right[one]);
  return name === undefined ? null : { what: named(name), recorded: shown(left[name]), now: shown(right[name]) };
}

/** Whatever else the parts hold: that they differ is told, not where. */
function ofParts(what: string, left: unknown, right: unknown): TrainingDifference | null {
  const [one, other] = [JSON.stringify(left), JSON.stringify(right)];
  return one === other ? null : { what, recorded: shown(one), now: shown(other) };
}

function shownOf(attribute: Attribute | undefined): string | null {
  return attribute === undefined ? null : shown(listOf(attribute).slice(0, shownLength).map(textOf).join(", "));
}

function shown(value: string | number | undefined): string {
  const text = String(value ?? "");
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
