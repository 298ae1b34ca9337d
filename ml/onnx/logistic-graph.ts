import onnxProto from "onnx-proto";
import { attribute, elementTypes, floatTensor, int64Tensor, node, type NodeParts, tensorInfo } from "./graph-parts.ts";

/** A number feature: missing (NaN or infinite) is replaced by `fill`; then (x − mean) / scale · weight, and `missingWeight` where it was missing. */
export interface NumericTerm {
  name: string;
  fill: number;
  mean: number;
  scale: number;
  weight: number;
  missingWeight: number;
}

/** A string feature: the weight of its value; a value that is not listed weighs nothing. */
export interface CategoryTerm {
  name: string;
  weights: { value: string; weight: number }[];
}

export interface LogisticTerms {
  intercept: number;
  numeric: NumericTerm[];
  categories: CategoryTerm[];
}

/** ONNX IR 8 belongs to opset 17 (ONNX 1.12); ai.onnx.ml 3 has string LabelEncoder. The pair that skl2onnx writes by default for the runtimes in use. */
export const opsets = [
  { domain: "", version: 17 },
  { domain: "ai.onnx.ml", version: 3 },
];

/**
 * ONNX bytes of a logistic model with one input a feature (float or string, [N, 1]), named as the
 * feature, and the outputs `label` (int64 [N]) and `probabilities` (float [N, 2]): the signature of
 * skl2onnx pipelines. Equal terms give equal bytes.
 */
export function writeLogisticModel(terms: LogisticTerms, inputOrder: string[]): Uint8Array {
  const nodes: NodeParts[] = [];
  const constants: onnxProto.onnx.ITensorProto[] = [floatTensor("/intercept", [1], [terms.intercept])];
  const logitParts = ["/intercept"];
  if (terms.numeric.length > 0) {
    addNumericTerms(terms.numeric, nodes, constants);
    logitParts.push("/number_logit", "/missing_logit");
  }
  for (const term of terms.categories) {
    if (term.weights.length === 0) continue;
    nodes.push(categoryNode(term));
    logitParts.push(`/category/${term.name}`);
  }
  constants.push(floatTensor("/half", [1], [0.5]), int64Tensor("/flat", [-1]));
  nodes.push(
    { op: "Sum", inputs: logitParts, output: "/logit" },
    { op: "Sigmoid", inputs: ["/logit"], output: "/positive" },
    { op: "Neg", inputs: ["/logit"], output: "/negative_logit" },
    { op: "Sigmoid", inputs: ["/negative_logit"], output: "/negative" },
    {
      op: "Concat",
      inputs: ["/negative", "/positive"],
      output: "probabilities",
      attributes: [attribute.int("axis", 1)],
    },
    { op: "Greater", inputs: ["/positive", "/half"], output: "/called" },
    {
      op: "Cast",
      inputs: ["/called"],
      output: "/called_int64",
      attributes: [attribute.int("to", elementTypes.int64)],
    },
    { op: "Reshape", inputs: ["/called_int64", "/flat"], output: "label" },
  );
  const numeric = new Set(terms.numeric.map((term) => term.name));
  const message = {
    irVersion: 8,
    producerName: "countersign-baseline",
    opsetImport: opsets,
    graph: {
      name: "logistic",
      node: nodes.map(node),
      initializer: constants,
      input: inputOrder.map((name) => tensorInfo(name, numeric.has(name) ? elementTypes.float : elementTypes.string, ["N", 1])),
      output: [tensorInfo("label", elementTypes.int64, ["N"]), tensorInfo("probabilities", elementTypes.float, ["N", 2])],
    },
  };
  return onnxProto.onnx.ModelProto.encode(message).finish();
}

/** All number features as one [N, d] matrix: a dozen nodes however many features there are. */
export function addNumericTerms(terms: NumericTerm[], nodes: NodeParts[], constants: onnxProto.onnx.ITensorProto[]): void {
  const count = terms.length;
  const row = (name: string, values: number[]) => floatTensor(name, [1, count], values);
  const column = (name: string, values: number[]) => floatTensor(name, [count, 1], values);
  constants.push(
    row(
      "/fill",
      terms.map((term) => term.fill),
    ),
    // The mean is taken off before the weight applies: folded into the intercept, a feature such as
    // a year (mean 2013, deviation 1) would lose three of float32's seven digits.
    row(
      "/mean",
      terms.map((term) => term.mean),
    ),
    column(
      "/weight",
      terms.map((term) => term.weight / term.scale),
    ),
    column(
      "/missing_weight",
      terms.map((term) => term.missingWeight),
    ),
  );
  nodes.push(
    {
      op: "Concat",
      inputs: terms.map((term) => term.name),
      output: "/numbers",
      attributes: [attribute.int("axis", 1)],
    },
    { op: "IsNaN", inputs: ["/numbers"], output: "/is_nan" },
    { op: "IsInf", inputs: ["/numbers"], output: "/is_inf" },
    { op: "Or", inputs: ["/is_nan", "/is_inf"], output: "/is_missing" },
    { op: "Where", inputs: ["/is_missing", "/fill", "/numbers"], output: "/filled" },
    { op: "Sub", inputs: ["/filled", "/mean"], output: "/centred" },
    { op: "MatMul", inputs: ["/centred", "/weight"], output: "/number_logit" },
    {
      op: "Cast",
      inputs: ["/is_missing"],
      output: "/missing",
      attributes: [attribute.int("to", elementTypes.float)],
    },
    { op: "MatMul", inputs: ["/missing", "/missing_weight"], output: "/missing_logit" },
  );
}

/** One look-up gives value → weight: one-hot and its product in a single node. */
export function categoryNode(term: CategoryTerm): NodeParts {
  return {
    op: "LabelEncoder",
    domain: "ai.onnx.ml",
    inputs: [term.name],
    output: `/category/${term.name}`,
    attributes: [
      attribute.strings(
        "keys_strings",
        term.weights.map(({ value }) => value),
      ),
      attribute.floats(
        "values_floats",
        term.weights.map(({ weight }) => weight),
      ),
      attribute.float("default_float", 0),
    ],
  };
}
