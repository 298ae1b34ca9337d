import type { DataFinding, FeatureChecks } from "../../domain/data-finding.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { count } from "../count-words.ts";
import { jensenShannonDistance, populationStabilityIndex } from "../drift/effect-size.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import { tellingFeatures } from "./telling-features.ts";

/**
 * One feature alone that ranks the holdout this well nearly gives the label away: in the data of facts
 * (flights, credits) the best reaches 0.70; a delay at departure reaches 0.93 for late arrivals.
 */
const suspicious = { auc: 0.9, r2: 0.9 };
/** Hashes of training rows (or labels) in memory at once; of more, a part is looked at, equal rows together. */
const hashedRows = 5_000_000;
const shiftLimit = 0.1;
const overlapLimit = 0.01;
const unseenLimit = 0.01;
const missingLimit = 0.95;

interface Checked {
  spec: FeatureSpec;
  label: LabelSpec;
  lineage: Record<string, string[]>;
  /** What the rows said before those without a label were left out. */
  knownLater: DataFinding[];
}

/**
 * What a person would want to know of the tables before a model is made of them. `train` and `held`
 * are tables of features and label, `requests` and `held_requests` of what was known when asked.
 */
export async function checkFeatures(db: DuckDb, { spec, label, lineage, knownLater }: Checked): Promise<FeatureChecks> {
  const telling = await tellingFeatures(db, { features: spec.features, label });
  const shares = await labelShares(db, label);
  const findings = [
    ...knownLater,
    ...telling.filter(({ value, method }) => value >= suspicious[method]).map(leak),
    ...(await shift(db, label)),
    ...(await overlap(db, Object.keys(spec.request))),
    ...(await columnFindings(db, spec.features)),
  ];
  return {
    verdict: findings.some(({ severity }) => severity === "warning") ? "warn" : "pass",
    findings,
    telling,
    lineage,
    label: shares,
  };
}

function leak({ feature, value, method }: FeatureChecks["telling"][number]): DataFinding {
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
  };
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
async function overlap(db: DuckDb, request: string[]): Promise<DataFinding[]> {
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
  return [
    {
      kind: "overlap",
      severity: share >= overlapLimit ? "warning" : "info",
      column: null,
      rows: seen,
      share,
      message: `${count(seen)} of ${count(rows)} holdout rows equal a training row in all request columns`,
    },
  ];
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
