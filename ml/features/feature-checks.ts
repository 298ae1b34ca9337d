import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { DataFinding, FeatureChecks } from "../../domain/data-finding.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { count } from "../count-words.ts";
import { jensenShannonDistance, populationStabilityIndex } from "../drift/effect-size.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import { tellingFeatures } from "./telling-features.ts";
import { tellingPairs } from "./telling-pairs.ts";

/**
 * One feature alone that ranks the holdout this well nearly gives the label away: in the data of facts
 * (flights, credits) the best reaches 0.70; a delay at departure reaches 0.93 for late arrivals.
 */
const suspicious = { auc: 0.9, r2: 0.9 };
/** From here on there is no doubt: what is known beforehand does not rank rows like this. */
const certain = { auc: 0.98, r2: 0.98 };
/** Two features together are told where they tell so much more than either alone. */
const moreTogether = 0.03;
/** Hashes of training rows (or labels) in memory at once; of more, a part is looked at, equal rows together. */
const hashedRows = 5_000_000;
const shiftLimit = 0.1;
const overlapLimit = 0.01;
/** From this share on seen rows decide what the evaluation says, if their labels are those that training saw. */
const overlapCertain = 0.1;
/** Agreement of the labels beyond chance (Cohen's kappa; of numbers the share of variance). Coarse columns repeat with any label. */
const sameLabels = 0.9;
const unseenLimit = 0.01;
const missingLimit = 0.95;

interface Checked {
  spec: FeatureSpec;
  label: LabelSpec;
  lineage: Record<string, string[]>;
  /** What the rows said before those without a label were left out. */
  knownLater: DataFinding[];
  accept?: NonNullable<ResolvedDefinition["features"]["accept"]>;
}

/**
 * What a person would want to know of the tables before a model is made of them. `train` and `held`
 * are tables of features and label, `requests` and `held_requests` of what was known when asked.
 */
export async function checkFeatures(
  db: DuckDb,
  { spec, label, lineage, knownLater, accept = [] }: Checked,
): Promise<FeatureChecks> {
  const telling = await tellingFeatures(db, { features: spec.features, label });
  const shares = await labelShares(db, label);
  const later = new Set(knownLater.flatMap(({ column }) => (column === null ? [] : [column])));
  const comesLater = (feature: string) =>
    (lineage[feature] ?? []).some((origin) => later.has(origin.slice(origin.indexOf(".") + 1)));
  const leaks = [
    ...telling.filter(({ value, method }) => value >= suspicious[method]).map((one) => leak(one, comesLater(one.feature))),
    ...(await leakingPairs(db, { features: spec.features, label, telling })),
  ];
  // Where a feature gives the label away equal rows have equal labels, whoever saw them.
  const settled = leaks.some((one) => one.certain === true);
  const findings = [
    ...knownLater,
    ...leaks,
    ...(await shift(db, label)),
    ...(await overlap(db, { request: Object.keys(spec.request), label, settled })),
    ...(await columnFindings(db, spec.features)),
  ].map((finding) => withAcceptance(finding, accept));
  return {
    verdict: findings.some(({ severity }) => severity === "warning") ? "warn" : "pass",
    findings,
    telling,
    lineage,
    label: shares,
  };
}

/** Certain: beyond doubt by its number, or suspicious and made of a column that seems to come with the outcome. */
function leak({ feature, value, method }: FeatureChecks["telling"][number], comesLater: boolean): DataFinding {
  const words =
    method === "auc"
      ? `ranks the holdout with an AUC of ${value.toFixed(3)}`
      : `explains ${(100 * value).toFixed(0)} % of the label`;
  return {
    kind: "leakage",
    severity: "warning",
    column: feature,
    rows: 0,
    share: 0,
    message: `${feature} alone ${words}: is it known when the prediction is asked for?`,
    ...(value >= certain[method] || comesLater ? { certain: true as const } : {}),
  };
}

/** Pairs that give the label away together; those of a feature that does so alone say nothing new. */
async function leakingPairs(
  db: DuckDb,
  input: { features: FeatureSpec["features"]; label: LabelSpec; telling: FeatureChecks["telling"] },
): Promise<DataFinding[]> {
  const method = input.label.task === "regression" ? "r2" : "auc";
  const alone = new Map(input.telling.map(({ feature, value }) => [feature, value]));
  const found = (await tellingPairs(db, input)).filter(({ features, value }) => {
    const most = Math.max(...features.map((name) => alone.get(name) ?? 0));
    return value >= suspicious[method] && most < suspicious[method] && value >= most + moreTogether;
  });
  return found
    .toSorted((a, b) => b.value - a.value)
    .slice(0, pairsTold)
    .map(({ features, value }) => ({
      kind: "leakage",
      severity: "warning",
      column: features.join(", "),
      rows: 0,
      share: 0,
      message: `${features.join(" and ")} together ${method === "auc" ? `rank the holdout with an AUC of ${value.toFixed(3)}` : `explain ${(100 * value).toFixed(0)} % of the label`}: are both known when the prediction is asked for?`,
      ...(value >= certain[method] ? { certain: true as const } : {}),
    }));
}

const pairsTold = 5;

/** Puts the definition's reason beside a certain finding that it accepts. */
function withAcceptance(finding: DataFinding, accept: NonNullable<Checked["accept"]>): DataFinding {
  if (finding.certain === undefined) return finding;
  const entry = accept.find(
    ({ finding: kind, features }) =>
      kind === finding.kind &&
      (kind === "overlap" || features?.toSorted().join() === finding.column?.split(", ").toSorted().join()),
  );
  if (entry === undefined) return finding;
  return { ...finding, accepted: entry.reason, message: `${finding.message} (accepted by the definition: ${entry.reason})` };
}

async function labelShares(db: DuckDb, label: LabelSpec): Promise<FeatureChecks["label"]> {
  const part = async (table: string) => {
    if (label.task === "regression") {
      const [found] = await db.rows(`SELECT avg(label) AS mean, stddev_samp(label) AS deviation FROM ${table}`);
      return { mean: Number(found?.["mean"]), deviation: Number(found?.["deviation"]) };
    }
    const names = label.task === "binary" ? ["negative", "positive"] : label.classes;
    const found = await db.rows(`SELECT label, count(*) / sum(count(*)) OVER () AS share FROM ${table} GROUP BY label`);
    const shares = new Map(found.map((row) => [Number(row["label"]), Number(row["share"])]));
    return Object.fromEntries(names.map((name, index) => [name, shares.get(index) ?? 0]));
  };
  return { train: await part("train"), holdout: await part("held") };
}

/** Does the label itself spread otherwise in the holdout? By effect size, beyond what the number of rows can explain. */
async function shift(db: DuckDb, label: LabelSpec): Promise<DataFinding[]> {
  const [size] = await db.rows("SELECT count(*) AS n FROM train");
  const every = Math.max(1, Math.ceil(Number(size?.["n"]) / hashedRows));
  const tenth = `(SELECT quantile_disc(label, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) AS edges FROM train WHERE hash(row_id) % ${every} = 0)`;
  const bin = label.task === "regression" ? `len(list_filter((FROM ${tenth}), e -> e < label))` : "label";
  const found = await db.rows(
    `SELECT bin, count(*) FILTER (WHERE side = 't') AS t, count(*) FILTER (WHERE side = 'h') AS h FROM (SELECT ${bin} AS bin, 't' AS side FROM train UNION ALL SELECT ${bin}, 'h' FROM held) GROUP BY bin ORDER BY bin`,
  );
  const [train, held] = ["t", "h"].map((side) => found.map((row) => Number(row[side]))) as [number[], number[]];
  const [trainRows, heldRows] = [train, held].map((counts) => counts.reduce((sum, n) => sum + n, 0)) as [number, number];
  const effectOf = label.task === "regression" ? populationStabilityIndex : jensenShannonDistance;
  const { value, noise } = effectOf({
    reference: train.map((n) => n / trainRows),
    window: held.map((n) => n / heldRows),
    referenceRows: trainRows,
    windowRows: heldRows,
  });
  if (value <= noise || value < shiftLimit) return [];
  return [
    {
      kind: "label-shift",
      severity: "warning",
      column: null,
      rows: heldRows,
      share: 1,
      message: `the label spreads otherwise in the holdout than in training (effect ${value.toFixed(2)})`,
    },
  ];
}

/** Holdout rows that training has seen, equal in everything that is known when asked, make the evaluation too good. */
async function overlap(
  db: DuckDb,
  { request, label, settled }: { request: string[]; label: LabelSpec; settled: boolean },
): Promise<DataFinding[]> {
  const hash = `hash(${request.map(quoteName).join(", ")})`;
  const [size] = await db.rows("SELECT count(*) AS n FROM requests");
  const part = `WHERE h % ${Math.max(1, Math.ceil(Number(size?.["n"]) / hashedRows))} = 0`;
  const hashes = (table: string) => `(SELECT h FROM (SELECT ${hash} AS h FROM ${table}) ${part})`;
  const [found] = await db.rows(
    `SELECT count(*) AS n, count(*) FILTER (WHERE h IN ${hashes("requests")}) AS seen FROM ${hashes("held_requests")}`,
  );
  const [rows, seen] = [Number(found?.["n"]), Number(found?.["seen"])];
  const share = seen / Math.max(1, rows);
  if (seen === 0) return [];
  const agrees = share >= overlapCertain && !settled ? await labelsAgree(db, { hash, part, label }) : 0;
  return [
    {
      kind: "overlap",
      severity: share >= overlapLimit ? "warning" : "info",
      column: null,
      rows: seen,
      share,
      message: `${count(seen)} of ${count(rows)} holdout rows equal a training row in all request columns${agrees >= sameLabels ? ", and have the label that training saw" : ""}`,
      ...(agrees >= sameLabels ? { certain: true as const } : {}),
    },
  ];
}

/** How far the labels of seen rows are those of their twins in training, beyond chance: 0 none, 1 always. */
async function labelsAgree(db: DuckDb, of: { hash: string; part: string; label: LabelSpec }): Promise<number> {
  const { hash, part, label } = of;
  const hashed = (table: string) => `SELECT h, label FROM (SELECT ${hash} AS h, label FROM ${table}) ${part}`;
  const twins = `WITH t AS (SELECT h, ${label.task === "regression" ? "avg(label)" : "mode(label)"} AS twin FROM (${hashed("requests")}) GROUP BY h), seen AS (SELECT s.label AS own, t.twin FROM (${hashed("held_requests")}) AS s JOIN t USING (h))`;
  const sum =
    label.task === "regression"
      ? "SELECT 1 - sum((own - twin) ** 2) / nullif(sum((own - (SELECT avg(own) FROM seen)) ** 2), 0) AS agrees FROM seen"
      : "SELECT 1 - (1 - po) / nullif(1 - pe, 0) AS agrees FROM (SELECT avg(CAST(own = twin AS INTEGER)) AS po FROM seen), (SELECT sum(a.n * b.n) AS pe FROM (SELECT own AS k, count(*) / (SELECT count(*) FROM seen) AS n FROM seen GROUP BY own) AS a JOIN (SELECT twin AS k, count(*) / (SELECT count(*) FROM seen) AS n FROM seen GROUP BY twin) AS b USING (k))";
  const [found] = await db.rows(`${twins} ${sum}`);
  return Number(found?.["agrees"] ?? 0);
}

async function columnFindings(db: DuckDb, features: FeatureSpec["features"]): Promise<DataFinding[]> {
  const parts = features.flatMap(({ name, type }, at) => {
    const column = quoteName(name);
    return [
      // Two values at least: counting them all would hold them all.
      `min(${column}) < max(${column}) AS several${at}`,
      `count_if(${type === "string" ? `${column} = ''` : `${column} IS NULL`}) AS m${at}`,
    ];
  });
  const [train = {}] = await db.rows(`SELECT count(*) AS n, ${parts.join(", ")} FROM train`);
  const rows = Number(train["n"]);
  const findings: DataFinding[] = [];
  for (const [at, { name, type }] of features.entries()) {
    const missing = Number(train[`m${at}`]);
    const about = { column: name, rows: missing, share: missing / rows };
    if (train[`several${at}`] !== true && (missing === 0 || missing === rows || type === "string"))
      findings.push({
        ...about,
        kind: "constant",
        severity: "warning",
        message: `${name} has the same value in all rows for training`,
      });
    else if (missing / rows >= missingLimit)
      findings.push({
        ...about,
        kind: "mostly-missing",
        severity: "warning",
        message: `${name} is missing in ${((100 * missing) / rows).toFixed(1)} % of the rows for training`,
      });
    if (type === "string") findings.push(...(await unseen(db, name)));
  }
  return findings;
}

async function unseen(db: DuckDb, feature: string): Promise<DataFinding[]> {
  const column = quoteName(feature);
  const [found] = await db.rows(
    `SELECT count(*) AS n, count(*) FILTER (WHERE ${column} NOT IN (SELECT DISTINCT ${column} FROM train)) AS new FROM held`,
  );
  const [rows, fresh] = [Number(found?.["n"]), Number(found?.["new"])];
  if (fresh === 0) return [];
  const share = fresh / rows;
  return [
    {
      kind: "unseen-category",
      severity: share >= unseenLimit ? "warning" : "info",
      column: feature,
      rows: fresh,
      share,
      message: `${count(fresh)} of ${count(rows)} holdout rows have a value of ${feature} that training never saw`,
    },
  ];
}
