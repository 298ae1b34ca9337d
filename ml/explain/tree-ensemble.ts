import { attributesOf, type GraphNode, type Matrix } from "./onnx-graph.ts";

/** Decision trees as arrays, all in one numbering. */
export interface TreeEnsemble {
  trees: { root: number; nodes: number[] }[];
  feature: Int32Array;
  threshold: Float64Array;
  mode: Uint8Array;
  /** Whether a missing value goes the true way. */
  missingTrue: Uint8Array;
  /** −1 at leaves. */
  whenTrue: Int32Array;
  whenFalse: Int32Array;
  /** Values of the leaves, `width` numbers a node. */
  width: number;
  values: Float64Array;
  base: Float64Array;
  /** The mean of the trees instead of their sum: the values here are divided already. */
  columns: number;
}

const modes = ["LEAF", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];

/**
 * Reads a TreeEnsembleClassifier or TreeEnsembleRegressor (ai.onnx.ml 1 to 3). A binary classifier whose
 * weights all belong to one class has one value: that of the positive. Throws a RangeError for what it does not know.
 */
export function readTrees(node: GraphNode): TreeEnsemble {
  const { ints, floats, texts, text, has } = attributesOf(node);
  const kind = node.opType === "TreeEnsembleClassifier" ? "class" : "target";
  if (has("nodes_values_as_tensor")) throw new RangeError("its thresholds are given in double precision");
  const treeIds = ints("nodes_treeids");
  const nodeIds = ints("nodes_nodeids");
  const count = nodeIds.length;
  const place = new Map(nodeIds.map((id, index) => [`${treeIds[index]}/${id}`, index]));
  const mode = Uint8Array.from(texts("nodes_modes"), (name) => {
    const known = modes.indexOf(name);
    if (known === -1) throw new RangeError(`it has nodes of the kind ${name}`);
    return known;
  });
  const child = (ids: number[]) =>
    Int32Array.from(ids, (id, index) => (mode[index] === 0 ? -1 : (place.get(`${treeIds[index]}/${id}`) ?? -1)));
  const whenTrue = child(ints("nodes_truenodeids"));
  const whenFalse = child(ints("nodes_falsenodeids"));
  const outputs = ints(`${kind}_ids`);
  const classes = Math.max(ints("classlabels_int64s").length, texts("classlabels_strings").length);
  const single = kind === "class" && classes === 2 && new Set(outputs).size === 1;
  const width = single ? 1 : Math.max(1, kind === "class" ? classes : outputs.reduce((most, id) => Math.max(most, id), 0) + 1);
  const roots = rootsOf(treeIds, { whenTrue, whenFalse });
  const scale = text("aggregate_function") === "AVERAGE" ? 1 / roots.length : 1;
  if (!["", "SUM", "AVERAGE"].includes(text("aggregate_function")))
    throw new RangeError(`it takes the ${text("aggregate_function")} of its trees`);
  const values = new Float64Array(count * width);
  const weights = floats(`${kind}_weights`);
  const leafTrees = ints(`${kind}_treeids`);
  for (const [index, id] of ints(`${kind}_nodeids`).entries()) {
    const leaf = place.get(`${leafTrees[index]}/${id}`);
    if (leaf !== undefined) values[leaf * width + (single ? 0 : outputs[index]!)]! += weights[index]! * scale;
  }
  const feature = Int32Array.from(ints("nodes_featureids"));
  const base = new Float64Array(width);
  for (const [index, value] of floats("base_values").slice(-width).entries()) base[index] = value;
  const missing = ints("nodes_missing_value_tracks_true");
  return {
    trees: roots,
    feature,
    threshold: Float64Array.from(floats("nodes_values")),
    mode,
    missingTrue: Uint8Array.from({ length: count }, (_, index) => missing[index] ?? 0),
    whenTrue,
    whenFalse,
    width,
    values,
    base,
    columns: feature.reduce((most, one) => Math.max(most, one), 0) + 1,
  };
}

function rootsOf(
  treeIds: number[],
  { whenTrue, whenFalse }: { whenTrue: Int32Array; whenFalse: Int32Array },
): TreeEnsemble["trees"] {
  const children = new Set([...whenTrue, ...whenFalse]);
  const byTree = new Map<number, { root: number; nodes: number[] }>();
  for (const [index, tree] of treeIds.entries()) {
    const known = byTree.get(tree) ?? { root: -1, nodes: [] };
    known.nodes.push(index);
    if (!children.has(index)) known.root = index;
    byTree.set(tree, known);
  }
  return [...byTree.values()];
}

/** Which way a value goes at a node; as the runtime has it, NaN fails every comparison unless the node says otherwise. */
export function goesTrue(trees: TreeEnsemble, node: number, value: number): boolean {
  if (Number.isNaN(value)) return trees.missingTrue[node] === 1;
  const threshold = trees.threshold[node]!;
  switch (trees.mode[node]) {
    case 1:
      return value <= threshold;
    case 2:
      return value < threshold;
    case 3:
      return value >= threshold;
    case 4:
      return value > threshold;
    case 5:
      return value === threshold;
    default:
      return value !== threshold;
  }
}

/** How many of the rows come through each node. */
export function coverOf(trees: TreeEnsemble, { rows, width, values }: Matrix): Float64Array {
  const cover = new Float64Array(trees.feature.length);
  for (const { root } of trees.trees) {
    for (let row = 0; row < rows; row += 1) {
      let node = root;
      cover[node]! += 1;
      while (trees.mode[node] !== 0) {
        node = goesTrue(trees, node, values[row * width + trees.feature[node]!]!)
          ? trees.whenTrue[node]!
          : trees.whenFalse[node]!;
        cover[node]! += 1;
      }
    }
  }
  return cover;
}
