import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";

/** Numbers are cut at these quantiles of the training rows: enough to follow any shape, few enough to be sure of each. */
const cuts = 20;
/** Rows of each side that are looked at, at most: the AUC of so many is known to about ±0.01. */
const lookedRows = 50_000;

/**
 * How much each feature tells of the label by itself. The mean of the label in each value of the
 * feature (in each twentieth of a number; missing is a value too) is learnt from the training rows
 * and judged on the holdout, so that a feature with a value of its own in each row gains nothing
 * by it. Values never seen get the mean of all.
 */
export async function tellingFeatures(
  db: DuckDb,
  { features, label }: { features: FeatureSpec["features"]; label: LabelSpec },
): Promise<FeatureChecks["telling"]> {
  for (const side of ["train", "held"]) {
    const [size] = await db.rows(`SELECT count(*) AS n FROM ${side}`);
    const every = Math.max(1, Math.ceil(Number(size?.["n"]) / lookedRows));
    await db.run(`CREATE OR REPLACE TEMP TABLE looked_${side} AS SELECT * FROM ${side} WHERE hash(row_id) % ${every} = 0`);
  }
  const found: FeatureChecks["telling"] = [];
  for (const feature of features) found.push(await telling(db, feature, label));
  await db.run("DROP TABLE looked_train");
  await db.run("DROP TABLE looked_held");
  return found.toSorted((a, b) => b.value - a.value || (a.feature < b.feature ? -1 : 1));
}

/** One value of a feature (or one part of its range) with one label: how many rows of each side. */
type Cell = { bin: string; label: number; train: number; held: number };

async function telling(
  db: DuckDb,
  { name, type }: FeatureSpec["features"][number],
  label: LabelSpec,
): Promise<FeatureChecks["telling"][number]> {
  const bin = type === "string" ? quoteName(name) : await binOf(db, quoteName(name));
  if (label.task === "regression") return { feature: name, value: await explained(db, bin), method: "r2" };
  const found = await db.rows(
    `SELECT bin, label, count(*) FILTER (WHERE side = 't') AS train, count(*) FILTER (WHERE side = 'h') AS held FROM (${bothSides(bin)}) GROUP BY ALL`,
  );
  const cells = found.map((row) => ({
    bin: String(row["bin"]),
    label: Number(row["label"]),
    train: Number(row["train"]),
    held: Number(row["held"]),
  }));
  // One class against the others; of a binary label the positive one says it all.
  const classes = label.task === "binary" ? [1] : label.classes.map((_, index) => index);
  return { feature: name, value: Math.max(0.5, ...classes.map((one) => areaUnderCurve(cells, one))), method: "auc" };
}

/** SQL: into which of the parts between the training rows' quantiles a number falls; null where it is missing. */
async function binOf(db: DuckDb, column: string): Promise<string> {
  const quantiles = Array.from({ length: cuts - 1 }, (_, at) => ((at + 1) / cuts).toFixed(2)).join(", ");
  const [found] = await db.rows(`SELECT list_distinct(quantile_disc(${column}, [${quantiles}])) AS edges FROM looked_train`);
  const edges = Array.isArray(found?.["edges"]) ? found["edges"].map(Number).toSorted((a, b) => a - b) : [];
  if (edges.length === 0) return `(${column} IS NULL)`;
  const cases = edges.map((edge, at) => `WHEN ${column} <= CAST(${edge} AS FLOAT) THEN ${at}`);
  return `CASE WHEN ${column} IS NULL THEN NULL ${cases.join(" ")} ELSE ${edges.length} END`;
}

function bothSides(bin: string): string {
  return `SELECT 't' AS side, ${bin} AS bin, label FROM looked_train UNION ALL SELECT 'h', ${bin}, label FROM looked_held`;
}

/** By counting pairs in the order of the scores, ties as halves (Mann and Whitney). */
function areaUnderCurve(cells: Cell[], positive: number): number {
  const bins = new Map<string, { rows: number; hits: number; positives: number; negatives: number }>();
  const all = { rows: 0, hits: 0 };
  for (const { bin, label, train, held } of cells) {
    const one = bins.get(bin) ?? { rows: 0, hits: 0, positives: 0, negatives: 0 };
    bins.set(bin, one);
    const hit = label === positive;
    for (const sum of [one, all]) {
      sum.rows += train;
      sum.hits += hit ? train : 0;
    }
    if (hit) one.positives += held;
    else one.negatives += held;
  }
  const scored = [...bins.values()]
    .map((one) => ({ ...one, score: one.rows === 0 ? all.hits / all.rows : one.hits / one.rows }))
    .toSorted((a, b) => a.score - b.score);
  let [below, wins, positives] = [0, 0, 0];
  for (let at = 0; at < scored.length;) {
    const { score } = scored[at] ?? { score: Number.NaN };
    let [tiedPositives, tiedNegatives] = [0, 0];
    for (; scored[at]?.score === score; at += 1) {
      tiedPositives += scored[at]?.positives ?? 0;
      tiedNegatives += scored[at]?.negatives ?? 0;
    }
    wins += tiedPositives * (below + tiedNegatives / 2);
    positives += tiedPositives;
    below += tiedNegatives;
  }
  const auc = wins / (positives * below);
  return Number.isFinite(auc) ? auc : 0.5;
}

/** Share of the holdout's variance that the bins' means explain. */
async function explained(db: DuckDb, bin: string): Promise<number> {
  const binned = `(${bothSides(bin)})`;
  const [found] = await db.rows(
    `WITH binned AS MATERIALIZED ${binned}, means AS (SELECT bin, avg(label) AS mean FROM binned WHERE side = 't' GROUP BY bin), held AS (SELECT h.label AS y, coalesce(m.mean, (SELECT avg(label) FROM binned WHERE side = 't')) AS score FROM binned AS h LEFT JOIN means AS m ON m.bin IS NOT DISTINCT FROM h.bin WHERE h.side = 'h') SELECT 1 - sum((y - score) ** 2) / sum((y - (SELECT avg(y) FROM held)) ** 2) AS r2 FROM held`,
  );
  const r2 = Number(found?.["r2"] ?? 0);
  return Number.isFinite(r2) ? Math.max(0, r2) : 0;
}
