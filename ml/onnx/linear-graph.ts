import onnxProto from "onnx-proto";
import { attribute, elementTypes, floatTensor, int64Tensor, node, type NodeParts, tensorInfo } from "./graph-parts.ts";
import { addNumericTerms, categoryNode, type LogisticTerms, opsets } from "./logistic-graph.ts";

/** Terms as of a logistic model; the weighted sum itself is the prediction. */
export type LinearTerms = LogisticTerms;

/**
 * ONNX bytes of a linear regression: one input a feature (float or string, [N, 1]), one output `value`
 * (float [N, 1]). Equal terms give equal bytes.
 */
export function writeLinearModel(terms: LinearTerms, inputOrder: string[]): Uint8Array {
  const nodes: NodeParts[] = [];
  const constants: onnxProto.onnx.ITensorProto[] = [floatTensor("/intercept", [1], [terms.intercept])];
  const parts = ["/intercept"];
  if (terms.numeric.length > 0) {
    addNumericTerms(terms.numeric, nodes, constants);
    parts.push("/number_logit", "/missing_logit");
  }
  for (const term of terms.categories) {
    if (term.weights.length === 0) continue;
    nodes.push(categoryNode(term));
    parts.push(`/category/${term.name}`);
  }
  nodes.push({ op: "Sum", inputs: parts, output: "value" });
  return encodeGraph({
    name: "linear",
    nodes,
    constants,
    inputs: inputsOf(
      inputOrder,
      terms.numeric.map(({ name }) => name),
    ),
    outputs: [tensorInfo("value", elementTypes.float, ["N", 1])],
  });
}

/** A number feature with one weight a class. */
export interface NumericClassTerm {
  name: string;
  fill: number;
  mean: number;
  scale: number;
  weights: number[];
  missingWeights: number[];
}

export interface SoftmaxTerms {
  /** One a class. */
  intercepts: number[];
  numeric: NumericClassTerm[];
  /** A value that is not listed weighs nothing. */
  categories: { name: string; values: { value: string; weights: number[] }[] }[];
}

/**
 * ONNX bytes of a multinomial logistic model: one input a feature, the outputs `label` (int64 [N], the index
 * of the likeliest class) and `probabilities` (float [N, K] in the order of the classes).
 */
export function writeSoftmaxModel(terms: SoftmaxTerms, inputOrder: string[]): Uint8Array {
  const width = terms.intercepts.length;
  const nodes: NodeParts[] = [];
  const constants: onnxProto.onnx.ITensorProto[] = [floatTensor("/intercept", [1, width], terms.intercepts)];
  const parts = ["/intercept"];
  const [firstNumber] = terms.numeric;
  if (firstNumber !== undefined) {
    // The columns' weights are overwritten below: the shared part fills, centres and marks what is missing.
    const single = terms.numeric.map((term) => ({ ...term, weight: 0, missingWeight: 0 }));
    addNumericTerms(single, nodes, constants);
    const count = terms.numeric.length;
    replaceTensor(
      constants,
      floatTensor(
        "/weight",
        [count, width],
        terms.numeric.flatMap(({ weights, scale }) => weights.map((weight) => weight / scale)),
      ),
    );
    replaceTensor(
      constants,
      floatTensor(
        "/missing_weight",
        [count, width],
        terms.numeric.flatMap(({ missingWeights }) => missingWeights),
      ),
    );
    parts.push("/number_logit", "/missing_logit");
  }
  for (const term of terms.categories) {
    if (term.values.length === 0) continue;
    addCategoryTable(term, width, { nodes, constants });
    parts.push(`/category/${term.name}`);
  }
  nodes.push(
    { op: "Sum", inputs: parts, output: "/logits" },
    { op: "Softmax", inputs: ["/logits"], output: "probabilities", attributes: [attribute.int("axis", 1)] },
    {
      op: "ArgMax",
      inputs: ["/logits"],
      output: "label",
      attributes: [attribute.int("axis", 1), attribute.int("keepdims", 0)],
    },
  );
  return encodeGraph({
    name: "softmax",
    nodes,
    constants,
    inputs: inputsOf(
      inputOrder,
      terms.numeric.map(({ name }) => name),
    ),
    outputs: [tensorInfo("label", elementTypes.int64, ["N"]), tensorInfo("probabilities", elementTypes.float, ["N", width])],
  });
}

/** Value → its place in a table of weights, whose last row is nought for what is not listed; the row is the term. */
function addCategoryTable(
  { name, values }: SoftmaxTerms["categories"][number],
  width: number,
  { nodes, constants }: { nodes: NodeParts[]; constants: onnxProto.onnx.ITensorProto[] },
): void {
  const nothing = Array.from({ length: width }, () => 0);
  constants.push(
    floatTensor(`/table/${name}`, [values.length + 1, width], [...values.flatMap(({ weights }) => weights), ...nothing]),
    int64Tensor(`/rows/${name}`, [-1]),
  );
  nodes.push(
    {
      op: "LabelEncoder",
      domain: "ai.onnx.ml",
      inputs: [name],
      output: `/place/${name}`,
      attributes: [
        attribute.strings(
          "keys_strings",
          values.map(({ value }) => value),
        ),
        attribute.ints(
          "values_int64s",
          values.map((_, place) => place),
        ),
        attribute.int("default_int64", values.length),
      ],
    },
    { op: "Reshape", inputs: [`/place/${name}`, `/rows/${name}`], output: `/flat/${name}` },
    { op: "Gather", inputs: [`/table/${name}`, `/flat/${name}`], output: `/category/${name}` },
  );
}

function replaceTensor(constants: onnxProto.onnx.ITensorProto[], tensor: onnxProto.onnx.ITensorProto): void {
  const place = constants.findIndex(({ name }) => name === tensor.name);
  constants[place] = tensor;
}

function inputsOf(inputOrder: string[], numbers: string[]): onnxProto.onnx.IValueInfoProto[] {
  return inputOrder.map((name) => tensorInfo(name, numbers.includes(name) ? elementTypes.float : elementTypes.string, ["N", 1]));
}

interface Graph {
  name: string;
  nodes: NodeParts[];
  constants: onnxProto.onnx.ITensorProto[];
  inputs: onnxProto.onnx.IValueInfoProto[];
  outputs: onnxProto.onnx.IValueInfoProto[];
}

function encodeGraph({ name, nodes, constants, inputs, outputs }: Graph): Uint8Array {
  return onnxProto.onnx.ModelProto.encode({
    irVersion: 8,
    producerName: "countersign-baseline",
    opsetImport: opsets,
    graph: { name, node: nodes.map(node), initializer: constants, input: inputs, output: outputs },
  }).finish();
}
