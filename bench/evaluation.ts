import { execFileSync } from "node:child_process";
import { measureBinary } from "../ml/metrics/binary-metrics.ts";
import { bootstrapMetrics } from "../ml/metrics/bootstrap.ts";
import { createRandom } from "../ml/metrics/random.ts";
import { rankScores } from "../ml/metrics/ranked-scores.ts";
import { coverOf, type TreeEnsemble } from "../ml/explain/tree-ensemble.ts";
import { leavesOf, treeShap } from "../ml/explain/tree-shap.ts";

/**
 * The two expensive parts of an evaluation, against what they may take: 1,000 resamples of 25,000 rows for
 * candidate, champion and baseline with ten metrics each (5 s), and exact SHAP values of 1,000 rows by 200 trees
 * of 31 leaves (5 s). With a Python that has scikit-learn and LightGBM (COUNTERSIGN_TEST_PYTHON, or
 * python3) also as a ratio to them, in the same run: AUC alone by `roc_auc_score`, SHAP by `pred_contrib`.
 *
 *   node bench/evaluation.ts
 */
const allowedMs = 5000;
const rows = 25_000;
const rounds = 1000;

const random = createRandom(7);
const unit = () => random() / 2 ** 32;

function drawModels() {
  const truth = Float64Array.from({ length: rows }, unit);
  const labels = Uint8Array.from(truth, (p) => (unit() < p ? 1 : 0));
  const model = (noise: number) =>
    measureBinary(
      rankScores(
        labels,
        truth.map((p) => Math.min(1, Math.max(0, p + noise * (unit() - 0.5)))),
      ),
      0.5,
    );
  return { candidate: model(0.2), champion: model(0.4), baseline: model(0.8) };
}

/** Balanced-as-grown trees: each step splits one of the leaves, as LightGBM does, on one of 15 columns. */
function growTrees(trees: number, leaves: number, columns: number): TreeEnsemble {
  const grown = {
    feature: [] as number[],
    threshold: [] as number[],
    mode: [] as number[],
    yes: [] as number[],
    no: [] as number[],
  };
  const add = () => {
    grown.feature.push(0);
    grown.threshold.push(0);
    grown.mode.push(0);
    grown.yes.push(-1);
    grown.no.push(-1);
    return grown.mode.length - 1;
  };
  const roots = Array.from({ length: trees }, () => {
    const root = add();
    const open = [{ node: root, low: Array.from({ length: columns }, () => 0), high: Array.from({ length: columns }, () => 1) }];
    const nodes = [root];
    while (open.length < leaves) {
      const [{ node, low, high }] = open.splice(Math.floor(unit() * open.length), 1) as [(typeof open)[number]];
      const column = Math.floor(unit() * columns);
      const cut = (low[column] ?? 0) + ((high[column] ?? 1) - (low[column] ?? 0)) * (0.3 + 0.4 * unit());
      const [yes, no] = [add(), add()];
      Object.assign(grown.feature, { [node]: column });
      Object.assign(grown.threshold, { [node]: cut });
      Object.assign(grown.mode, { [node]: 1 });
      Object.assign(grown.yes, { [node]: yes });
      Object.assign(grown.no, { [node]: no });
      nodes.push(yes, no);
      open.push({ node: yes, low, high: high.with(column, cut) }, { node: no, low: low.with(column, cut), high });
    }
    return { root, nodes };
  });
  const count = grown.mode.length;
  return {
    trees: roots,
    feature: Int32Array.from(grown.feature),
    threshold: Float64Array.from(grown.threshold),
    mode: Uint8Array.from(grown.mode),
    missingTrue: new Uint8Array(count),
    whenTrue: Int32Array.from(grown.yes),
    whenFalse: Int32Array.from(grown.no),
    width: 1,
    values: Float64Array.from(grown.mode, (mode) => (mode === 0 ? unit() - 0.5 : 0)),
    base: new Float64Array(1),
    columns,
  };
}

function matrix(count: number, width: number) {
  return { rows: count, width, values: Float32Array.from({ length: count * width }, unit) };
}

/** Milliseconds of the clock and of a processor. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number; cpuMs: number }> {
  const [before, from] = [process.cpuUsage(), performance.now()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, ms: performance.now() - from, cpuMs: (user + system) / 1000 };
}

const reference = `
import json, time
import lightgbm, numpy as np
from sklearn.metrics import roc_auc_score
rng = np.random.default_rng(7)
truth = rng.random(${rows}); labels = (rng.random(${rows}) < truth).astype(int)
start = time.perf_counter()
for _ in range(20):
    drawn = rng.integers(0, ${rows}, ${rows}); roc_auc_score(labels[drawn], truth[drawn])
auc = (time.perf_counter() - start) / 20
x = rng.random((20000, 15)); y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(0, .3, 20000) > 1).astype(int)
model = lightgbm.LGBMClassifier(n_estimators=200, num_leaves=31, verbose=-1, n_jobs=1).fit(x, y)
start = time.perf_counter(); model.predict(x[:1000], pred_contrib=True); shap = time.perf_counter() - start
print(json.dumps({"aucMs": auc * 1000, "shapMs": shap * 1000}))
`;

function measureReference(): { aucMs: number; shapMs: number } | null {
  for (const python of [process.env["COUNTERSIGN_TEST_PYTHON"], "python3"]) {
    if (python === undefined) continue;
    try {
      return JSON.parse(execFileSync(python, ["-c", reference], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    } catch {
      // Not there, or without the two.
    }
  }
  return null;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const share = (ms: number) => `${(ms / allowedMs).toFixed(2)} of the 5 s allowed`;

const models = drawModels();
const bootstrap = await timed(() => bootstrapMetrics({ ...models, rounds, seed: 7 }));
console.log(
  `${rounds} resamples of ${rows} rows, three models, ten metrics: ${seconds(bootstrap.ms)} (${seconds(bootstrap.cpuMs)} of a processor), ${share(bootstrap.cpuMs)}`,
);
const trees = growTrees(200, 31, 15);
const explained = matrix(1000, 15);
const shap = await timed(async () => {
  const cover = coverOf(trees, matrix(20_000, 15));
  return treeShap(trees, { leaves: leavesOf(trees, cover), matrix: explained, signal: new AbortController().signal });
});
console.log(
  `SHAP of 1,000 rows by 200 trees of 31 leaves, cover of 20,000 rows included: ${seconds(shap.ms)} (${seconds(shap.cpuMs)} of a processor), ${share(shap.cpuMs)}`,
);
const other = measureReference();
if (other === null) console.log("No Python with scikit-learn and LightGBM here: no ratios to them.");
else {
  const aucAlone = (other.aucMs * rounds * 3) / bootstrap.ms;
  console.log(`roc_auc_score alone, as often for three models, takes ${aucAlone.toFixed(1)} times as long`);
  console.log(`LightGBM's pred_contrib (C++, one thread) takes ${(other.shapMs / shap.ms).toFixed(2)} times as long`);
}
// By the processor: on a machine that does other things too the clock tells of those.
if (bootstrap.cpuMs > allowedMs || shap.cpuMs > allowedMs) process.exitCode = 1;
