import { setImmediate } from "node:timers/promises";
import type { Matrix } from "./onnx-graph.ts";
import { goesTrue, type TreeEnsemble } from "./tree-ensemble.ts";

/** Bits of a pattern must fit a 32-bit integer. */
const mostColumnsOnAPath = 30;
/** Where a pattern's units lie is kept in an array up to so many columns (4 KiB a leaf), in a map above. */
const arrayColumns = 10;
const turnMs = 20;

/** A leaf as its path sees it: the different columns on the way, and of the rows that come by how large a share follows. */
interface Leaf {
  node: number;
  columns: Int32Array;
  share: Float64Array;
  /** Every node on the way: which, whether the path goes its true way, and whose bit that is. */
  steps: Int32Array;
  truths: Uint8Array;
  bits: Int32Array;
}

export interface TreeShap {
  /** Expectation over the background, one a class or target. */
  base: Float64Array;
  /** Effects, row by row: for each output (of `width`) the columns. */
  values: Float64Array;
}

/** How much work the rows are, in steps; for choosing how many are explained. */
export function shapWork(leaves: Leaf[][], rows: number): number {
  let work = 0;
  for (const tree of leaves)
    for (const { columns, steps } of tree)
      work += rows * steps.length + Math.min(rows, 2 ** columns.length) * columns.length ** 3;
  return work;
}

/** The leaves of each tree with their paths. Throws a RangeError where a path asks more columns than can be told apart. */
export function leavesOf(trees: TreeEnsemble, cover: Float64Array): Leaf[][] {
  return trees.trees.map(({ root }) => {
    const leaves: Leaf[] = [];
    walk({ node: root, columns: [], share: [], steps: [], truths: [], bits: [] });
    return leaves;

    function walk(path: { node: number; columns: number[]; share: number[]; steps: number[]; truths: number[]; bits: number[] }) {
      const { node } = path;
      if (trees.mode[node] === 0) {
        if (path.columns.length > mostColumnsOnAPath)
          throw new RangeError(`a path asks ${path.columns.length} different columns`);
        leaves.push({
          node,
          columns: Int32Array.from(path.columns),
          share: Float64Array.from(path.share),
          steps: Int32Array.from(path.steps),
          truths: Uint8Array.from(path.truths),
          bits: Int32Array.from(path.bits),
        });
        return;
      }
      const column = trees.feature[node]!;
      for (const truth of [1, 0]) {
        const child = truth === 1 ? trees.whenTrue[node]! : trees.whenFalse[node]!;
        // A node that no row of the background reaches says nothing about its children: half and half.
        const part = cover[node] === 0 ? 0.5 : cover[child]! / cover[node]!;
        const known = path.columns.indexOf(column);
        const slot = known === -1 ? path.columns.length : known;
        walk({
          node: child,
          columns: known === -1 ? [...path.columns, column] : path.columns,
          share: known === -1 ? [...path.share, part] : path.share.with(known, path.share[known]! * part),
          steps: [...path.steps, node],
          truths: [...path.truths, truth],
          bits: [...path.bits, 1 << slot],
        });
      }
    }
  });
}

/**
 * Exact SHAP values of trees, path-dependent (Lundberg, Erion and Lee 2018): the value of a set of known
 * columns is the tree's answer where the unknown ones are averaged by the shares of the background rows
 * that go each way. Reckoned leaf by leaf: a leaf's contribution depends on the row only by which
 * columns on its path let the row through, so each such pattern is worked out once and looked up ever after (as in
 * Yang's Fast TreeSHAP, 2021). Measured: bench/evaluation.ts.
 */
export async function treeShap(
  trees: TreeEnsemble,
  { leaves, matrix, signal }: { leaves: Leaf[][]; matrix: Matrix; signal: AbortSignal },
): Promise<TreeShap> {
  const { width, columns } = trees;
  const { rows } = matrix;
  const values = new Float64Array(rows * width * columns);
  const base = Float64Array.from(trees.base);
  for (const tree of leaves)
    for (const { node, share } of tree) {
      const weight = share.reduce((product, one) => product * one, 1);
      for (let k = 0; k < width; k += 1) base[k]! += weight * trees.values[node * width + k]!;
    }
  const weights = createSetWeights();
  const truth = new Uint8Array(trees.feature.length);
  let turnEndsAt = performance.now() + turnMs;
  for (const [index, { nodes }] of trees.trees.entries()) {
    // What is known of a tree's patterns is of no use to the next, and goes with it.
    const ofTree = leaves[index]!.map((leaf) => createUnits(leaf, { rows, weights: weights(leaf.columns.length) }));
    for (let row = 0; row < rows; row += 1) {
      for (const node of nodes)
        if (trees.mode[node] !== 0)
          truth[node] = goesTrue(trees, node, matrix.values[row * matrix.width + trees.feature[node]!]!) ? 1 : 0;
      for (const known of ofTree) addLeaf(known, truth, { trees, values, at: row * width * columns });
    }
    if (performance.now() < turnEndsAt) continue;
    await setImmediate();
    signal.throwIfAborted();
    turnEndsAt = performance.now() + turnMs;
  }
  return { base, values };
}

/** Effects of a leaf of value one, by pattern: one array for all, since rows look up here and there in it. */
interface Units {
  leaf: Leaf;
  weights: Float64Array;
  /** Where a pattern's effects begin, plus one; 0 and undefined: not worked out yet. */
  begins: Int32Array | Map<number, number>;
  effects: Float64Array;
  filled: number;
}

function createUnits(leaf: Leaf, { rows, weights }: { rows: number; weights: Float64Array }): Units {
  const count = leaf.columns.length;
  const begins = count <= arrayColumns ? new Int32Array(2 ** count) : new Map<number, number>();
  return { leaf, weights, begins, effects: new Float64Array(Math.min(rows, 2 ** count) * count), filled: 0 };
}

function beginOf(units: Units, pattern: number): number {
  const { begins, leaf, filled } = units;
  const known = begins instanceof Int32Array ? begins[pattern] : begins.get(pattern);
  if (known !== undefined && known !== 0) return known - 1;
  units.effects.set(unitEffects(leaf.share, pattern, units.weights), filled);
  if (begins instanceof Int32Array) begins[pattern] = filled + 1;
  else begins.set(pattern, filled + 1);
  units.filled += leaf.columns.length;
  return filled;
}

interface Target {
  trees: TreeEnsemble;
  values: Float64Array;
  at: number;
}

function addLeaf(units: Units, truth: Uint8Array, { trees, values, at }: Target): void {
  const { steps, truths, bits, columns, node } = units.leaf;
  let pattern = (1 << columns.length) - 1;
  for (let step = 0; step < steps.length; step += 1) if (truth[steps[step]!] !== truths[step]) pattern &= ~bits[step]!;
  const begin = beginOf(units, pattern);
  const { effects } = units;
  const { width } = trees;
  for (let k = 0; k < width; k += 1) {
    const value = trees.values[node * width + k]!;
    if (value === 0) continue;
    const start = at + k * trees.columns;
    for (let slot = 0; slot < columns.length; slot += 1) values[start + columns[slot]!]! += value * effects[begin + slot]!;
  }
}

/**
 * Shapley values of the game whose worth is Π over known columns of o (1 where the row goes along, 0
 * where not) times Π over unknown ones of their share z: for each column (o − z) times the sum over sets of
 * the others, weighted by |S|! (M − |S| − 1)! / M!. The sum over sets of one size is a coefficient of
 * Π (z + o t); all terms are at least nought, so nothing cancels.
 */
function unitEffects(share: Float64Array, pattern: number, weights: Float64Array): Float64Array {
  const count = share.length;
  const effects = new Float64Array(count);
  const polynomial = new Float64Array(count);
  for (let slot = 0; slot < count; slot += 1) {
    polynomial.fill(0);
    polynomial[0] = 1;
    let degree = 0;
    for (let other = 0; other < count; other += 1) {
      if (other === slot) continue;
      const z = share[other]!;
      if (((pattern >> other) & 1) === 1) {
        degree += 1;
        for (let k = degree; k > 0; k -= 1) polynomial[k] = polynomial[k]! * z + polynomial[k - 1]!;
        polynomial[0] *= z;
      } else {
        for (let k = 0; k <= degree; k += 1) polynomial[k]! *= z;
      }
    }
    let sum = 0;
    for (let k = 0; k <= degree; k += 1) sum += polynomial[k]! * weights[k]!;
    effects[slot] = (((pattern >> slot) & 1) - share[slot]!) * sum;
  }
  return effects;
}

/** |S|! (M − |S| − 1)! / M! for |S| = 0 to M − 1. */
function createSetWeights(): (columns: number) => Float64Array {
  const known: (Float64Array | undefined)[] = [];
  return (columns) => {
    known[columns] ??= Float64Array.from({ length: columns }, (_, size) => {
      // 1 / (M · C(M − 1, |S|))
      let choose = 1;
      for (let k = 0; k < size; k += 1) choose = (choose * (columns - 1 - k)) / (k + 1);
      return 1 / (columns * choose);
    });
    return known[columns];
  };
}
