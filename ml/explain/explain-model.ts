import type { Explanation } from "../../domain/evaluation-detail.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { drawRows, pickRows } from "../evaluation/sample.ts";
import type { Answers } from "../evaluation/model-answers.ts";
import type { StageTools } from "../stage-tools.ts";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { ownersOf } from "./column-owners.ts";
import { describeEffects } from "./described-effects.ts";
import { additiveEffects, type Effects, linearEffects } from "./linear-shap.ts";
import { type Link, linkThatFits } from "./links.ts";
import { type Graph, type GraphNode, type Matrix, nodesOf, openInner, readGraph } from "./onnx-graph.ts";
import { coverOf, readTrees } from "./tree-ensemble.ts";
import { leavesOf, shapWork, treeShap } from "./tree-shap.ts";

/** Rows of the holdout that are explained, fewer where the trees are large. */
const explainedRows = [1000, 500, 200, 100, 50];
/** Steps: about 5 s. */
const mostWork = 2e9;
/** Training rows that the expectation is over; all of them where they are no more. */
const backgroundRows = 20_000;
/** A graph of plain arithmetic is run once a feature over them. */
const additiveBackgroundRows = 5_000;
/** Of these it is found out which encoded column belongs to which feature. */
const probedRows = 2000;

export interface ExplainInput {
  bytes: Uint8Array;
  features: Feature[];
  label: LabelSpec;
  threshold: number;
  /** Features whose values must not be shown. */
  masked?: Set<string>;
  /** Features of the training rows: what is expected of a row of which nothing is known. */
  background: FeatureColumns;
  columns: FeatureColumns;
  seed: number;
  score(columns: FeatureColumns): Promise<Answers>;
}

/** What is added up, by encoded column, and to which feature each column belongs. */
interface Raw {
  method: "tree-shap" | "linear-shap";
  effects: Effects;
  owners: (number | null)[];
  backgroundRows: number;
}

/** SHAP values by feature, and what they were reckoned of. */
export interface ShapValues {
  method: Raw["method"];
  link: Link;
  /** The rows that are explained, and the model's answers on them. */
  columns: FeatureColumns;
  answers: Answers;
  /** By feature; one more column is what belongs to no single feature. */
  effects: Effects;
  backgroundRows: number;
}

/** SHAP values in words, or why there are none. */
export async function explainModel(input: ExplainInput, tools: StageTools): Promise<Explanation> {
  try {
    const { method, link, columns, answers, effects, backgroundRows: over } = await shapValues(input, tools);
    return {
      method,
      unit: link.unit,
      rows: rowsOf(columns),
      backgroundRows: over,
      baseValue: effects.base.at(answers.width === 1 ? -1 : 0) ?? 0,
      additivityError: link.error,
      ...describeEffects({ ...input, columns, answers, effects }),
    };
  } catch (error) {
    tools.signal.throwIfAborted();
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return { method: "none", why: `Exact values are not told of this model: ${why}.` };
  }
}

/**
 * Exact SHAP values of a linear or tree model, in whatever tool it was made: found in its ONNX graph,
 * reckoned, added up and compared with what the model itself answers. Throws where they do not add up, or the
 * model is of another kind.
 */
export async function shapValues(input: ExplainInput, tools: StageTools): Promise<ShapValues> {
  const graph = readGraph(input.bytes);
  const [tree, secondTree] = nodesOf(graph, "TreeEnsembleClassifier", "TreeEnsembleRegressor");
  const [line, secondLine] = nodesOf(graph, "LinearClassifier", "LinearRegressor");
  const rows = (most: number) => drawRows(rowsOf(input.columns), most, input.seed + 31);
  const background = pickRows(input.background, drawRows(rowsOf(input.background), backgroundRows, input.seed + 37));
  if (secondTree !== undefined || secondLine !== undefined || (tree !== undefined && line !== undefined))
    throw new RangeError("it joins several models");
  if (tree !== undefined) {
    const found = await explainTrees({ input, graph, node: tree, background, rows }, tools);
    return checked(input, found.columns, found.raw);
  }
  const columns = pickRows(input.columns, rows(explainedRows[0]!));
  const raw =
    line === undefined
      ? await explainSum({ input, graph, background }, columns)
      : await explainLinear({ input, graph, node: line, background }, columns);
  return checked(input, columns, raw);
}

async function checked(input: ExplainInput, columns: FeatureColumns, raw: Raw): Promise<ShapValues> {
  const answers = await input.score(columns);
  const link = linkThatFits(raw.effects, answers, input.label.task);
  if (link === null) throw new RangeError("the values do not add up to its answers");
  const effects = byFeature(raw.effects, raw.owners, input.features.length);
  return { method: raw.method, link, columns, answers, effects, backgroundRows: raw.backgroundRows };
}

interface Parts {
  input: ExplainInput;
  graph: Graph;
  background: FeatureColumns;
}

async function explainTrees(
  { input, graph, node, background, rows }: Parts & { node: GraphNode; rows: (most: number) => Uint32Array },
  tools: StageTools,
): Promise<{ raw: Raw; columns: FeatureColumns }> {
  tools.progress("reckoning SHAP values");
  const trees = readTrees(node);
  const inner = await openInner(graph, node.input?.[0] ?? "", input.features);
  try {
    const encodedBackground = needed(await inner.run(background));
    const leaves = leavesOf(trees, coverOf(trees, encodedBackground));
    const most = explainedRows.find((count) => shapWork(leaves, count) <= mostWork);
    if (most === undefined) throw new RangeError("its trees are too many and too deep for the time that there is");
    const columns = pickRows(input.columns, rows(most));
    const matrix = needed(await inner.run(columns));
    tools.signal.throwIfAborted();
    const owners = await ownersOf(input.features, await probe(input, inner.run), inner.run);
    const { base, values } = await treeShap(trees, { leaves, matrix, signal: tools.signal });
    const effects = { base, values, width: trees.width, columns: trees.columns };
    return { raw: { method: "tree-shap", effects, owners, backgroundRows: encodedBackground.rows }, columns };
  } finally {
    await inner.close();
  }
}

async function explainLinear(
  { input, graph, node, background }: Parts & { node: GraphNode },
  columns: FeatureColumns,
): Promise<Raw> {
  const inner = await openInner(graph, node.input?.[0] ?? "", input.features);
  try {
    const [encodedBackground, matrix] = [needed(await inner.run(background)), needed(await inner.run(columns))];
    const effects = linearEffects(node, { background: encodedBackground, matrix });
    const owners = await ownersOf(input.features, await probe(input, inner.run), inner.run);
    return { method: "linear-shap", effects, owners, backgroundRows: encodedBackground.rows };
  } finally {
    await inner.close();
  }
}

/** A graph of plain arithmetic, such as the built-in trainer's: the margin goes into a Sigmoid or Softmax, or is the answer itself. */
async function explainSum({ input, graph, background }: Parts, columns: FeatureColumns): Promise<Raw> {
  const inner = await openInner(graph, marginOf(graph, input.label), input.features);
  const some = pickRows(background, drawRows(rowsOf(background), additiveBackgroundRows, input.seed + 47));
  try {
    const effects = await additiveEffects(input.features, { background: some, columns }, inner.run);
    if (effects === null) throw new RangeError("it is neither linear nor made of trees");
    const owners = input.features.map((_, index) => index);
    return { method: "linear-shap", effects, owners, backgroundRows: rowsOf(some) };
  } finally {
    await inner.close();
  }
}

function marginOf(graph: Graph, label: LabelSpec): string {
  if (label.task === "regression") return graph.graph?.output?.[0]?.name ?? "";
  const [link] = nodesOf(graph, label.task === "binary" ? "Sigmoid" : "Softmax");
  const tensor = link?.input?.[0];
  if (tensor === undefined || tensor === null) throw new RangeError("it is neither linear nor made of trees");
  return tensor;
}

async function probe(input: ExplainInput, run: (columns: FeatureColumns) => Promise<Matrix | null>) {
  const { background, seed } = input;
  const columns = pickRows(background, drawRows(rowsOf(background), probedRows, seed + 41));
  return { columns, encoded: needed(await run(columns)), seed: seed + 43 };
}

/** Columns of one feature added up; what belongs to none, or to several, comes last. */
function byFeature(effects: Effects, owners: (number | null)[], features: number): Effects {
  const { width, values } = effects;
  const rows = values.length / (width * effects.columns);
  const columns = features + 1;
  const summed = new Float64Array(rows * width * columns);
  for (let line = 0; line < rows * width; line += 1)
    for (let column = 0; column < effects.columns; column += 1)
      summed[line * columns + (owners[column] ?? features)]! += values[line * effects.columns + column]!;
  return { ...effects, values: summed, columns };
}

function rowsOf(columns: FeatureColumns): number {
  return Object.values(columns)[0]?.length ?? 0;
}

function needed(matrix: Matrix | null): Matrix {
  if (matrix === null) throw new RangeError("its inner tensor is no matrix of numbers");
  return matrix;
}
