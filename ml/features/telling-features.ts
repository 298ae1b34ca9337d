import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";

/** Numbers are cut at these quantiles of the training rows: enough to follow any shape, few enough to be sure of each. */
const cuts = 20;
/** Rows of each side that are looked at: the AUC of so many is known to about ±0.01. */
const lookedRows = 50_000;

/**
 * How much each feature tells of the label by itself. The mean of the label in each value of the
 * feature (in each twentieth of a number; missing is a value too) is learnt from the training rows
 * and judged on the holdout, so that a feature with a value of its own in each row gains nothing
 * by it. Values never seen get the mean of all.
 */
export async function tellingFeatures(
  db: DuckDb,
  { features, label, seed }: { features: FeatureSpec["features"]; label: LabelSpec; seed: number },
): Promise<FeatureChecks["telling"]> {
  for (const side of ["train", "held"])
    await db.run(
      `CREATE OR REPLACE TEMP TABLE looked_${side} AS SELECT * FROM ${side} ORDER BY md5('${seed}:' || row_id) LIMIT ${lookedRows}`,
    );
  const found: FeatureChecks["telling"] = [];
  for (const feature of features) found.push(await telling(db, feature, label));
  await db.run("DROP TABLE looked_train");
  await db.run("DROP TABLE looked_held");
  return found.toSorted((a, b) => b.value - a.value || (a.feature < b.feature ? -1 : 1));
}

async function telling(
  db: DuckDb,
  { name, type }: FeatureSpec["features"][number],
  label: LabelSpec,
): Promise<FeatureChecks["telling"][number]> {
  const column = quoteName(name);
  const quantiles = Array.from({ length: cuts - 1 }, (_, at) => ((at + 1) / cuts).toFixed(2)).join(", ");
  const edges = `(SELECT quantile_disc(${column}, [${quantiles}]) FROM looked_train)`;
  const value =
    type === "string" ? column : `CASE WHEN ${column} IS NOT NULL THEN len(list_filter(${edges}, e -> e < ${column})) END`;
  await db.run(
    `CREATE OR REPLACE TEMP TABLE binned AS SELECT 't' AS side, ${value} AS bin, label FROM looked_train UNION ALL SELECT 'h', ${value}, label FROM looked_held`,
  );
  if (label.task === "regression") return { feature: name, value: await explained(db), method: "r2" };
  // One class against the others; of a binary label the positive one says it all.
  const classes = label.task === "binary" ? [1] : label.classes.map((_, index) => index);
  let best = 0.5;
  for (const one of classes) best = Math.max(best, await areaUnderCurve(db, `CAST(label = ${one} AS DOUBLE)`));
  return { feature: name, value: best, method: "auc" };
}

/** SQL: holdout rows with the mean that training had in their bin. */
function scored(target: string): string {
  return `SELECT ${target} AS y, coalesce(m.mean, (SELECT avg(${target}) FROM binned WHERE side = 't')) AS score FROM (SELECT * FROM binned WHERE side = 'h') AS h LEFT JOIN (SELECT bin, avg(${target}) AS mean FROM binned WHERE side = 't' GROUP BY bin) AS m ON m.bin IS NOT DISTINCT FROM h.bin`;
}

/** By counting pairs in the order of the scores, ties as halves (Mann and Whitney). */
async function areaUnderCurve(db: DuckDb, target: string): Promise<number> {
  const [found] = await db.rows(
    `SELECT sum(pos * (below + neg / 2)) / (sum(pos) * sum(neg)) AS auc FROM (SELECT sum(y) AS pos, sum(1 - y) AS neg, sum(sum(1 - y)) OVER (ORDER BY score) - sum(1 - y) AS below FROM (${scored(target)}) GROUP BY score)`,
  );
  const auc = Number(found?.["auc"] ?? 0.5);
  return Number.isFinite(auc) ? Math.max(auc, 0.5) : 0.5;
}

async function explained(db: DuckDb): Promise<number> {
  const [found] = await db.rows(
    `SELECT 1 - sum((y - score) ** 2) / sum((y - (SELECT avg(label) FROM binned WHERE side = 'h')) ** 2) AS r2 FROM (${scored("label")})`,
  );
  const r2 = Number(found?.["r2"] ?? 0);
  return Number.isFinite(r2) ? Math.max(0, r2) : 0;
}
