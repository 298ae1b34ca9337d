import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { CountersignError } from "../domain/errors.ts";
import {
  type Estimate,
  type Evaluation,
  higherIsBetter,
  type MetricName,
  metricNames,
  type MetricRow,
  type Verdict,
} from "../domain/evidence.ts";
import type { EvaluateInput, EvaluateResult, FeatureSpec } from "../domain/stage-results.ts";
import { verifiedPath } from "../ml/artifact-access.ts";
import { createFeatureEngine } from "../ml/features/compute-features.ts";
import { bootstrapMetrics } from "../ml/metrics/bootstrap.ts";
import { calibrationCurve, confusionAt, flipsAt } from "../ml/metrics/calibration.ts";
import { rankScores } from "../ml/metrics/ranked-scores.ts";
import { createScorer } from "../ml/onnx/scorer.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import { columnsByName, readTrainingData, type TrainingData } from "../ml/trainers/training-data.ts";
import { runStage } from "./stage-run.ts";

type Model = { onnx: EvaluateInput["candidate"]["onnx"]; features: EvaluateInput["candidate"]["features"] };

/** The fifth stage: candidate and champion on the same held-out rows, with intervals, and a verdict by the definition's thresholds. */
export function createEvaluateActivity({ store }: { store: ArtifactStore }): (input: EvaluateInput) => Promise<EvaluateResult> {
  return runStage(async (input, tools) => {
    const definition = await store.getJson<ResolvedDefinition>(input.definition);
    tools.progress("scoring the candidate");
    const holdout = await readHoldout(store, input);
    const scores = {
      candidate: await scoreModel(store, input.candidate, holdout),
      champion: await scoreChampion({ store, input, holdout }, tools),
    };
    tools.signal.throwIfAborted();
    tools.progress(`drawing ${definition.evaluate.bootstrapRounds} resamples of ${holdout.rows} rows`);
    const evaluation = await evaluate(
      { definition, labels: holdout.labels, scores, championVersion: input.champion?.version ?? null },
      tools.signal,
    );
    const { headline, verdict } = evaluation;
    const change = evaluation.metrics.find(({ metric }) => metric === headline.metric)?.change ?? null;
    return {
      summary: summaryOf(evaluation, definition.data.rows),
      verdict,
      evaluation: await store.putJson(evaluation),
      headline,
      worseThanChampion: change !== null && liesOnTheWorseSide(headline.metric, change),
    };
  });
}

async function readHoldout(store: ArtifactStore, { holdout, candidate }: EvaluateInput): Promise<TrainingData> {
  const { features } = await store.getJson<FeatureSpec>(candidate.features);
  return readTrainingData({ path: await verifiedPath(store, holdout.holdout), features, label: "label", orderBy: "row_id" });
}

async function scoreModel(store: ArtifactStore, model: Model, data: TrainingData): Promise<Float32Array> {
  const { features } = await store.getJson<FeatureSpec>(model.features);
  const scorer = await createScorer({ bytes: await store.get(model.onnx), features });
  try {
    return await scorer.score(data.columns);
  } finally {
    await scorer.close();
  }
}

/** The champion may have other features: they are made anew, by its own SQL and lookups, from the same requests. */
async function scoreChampion(
  { store, input, holdout }: { store: ArtifactStore; input: EvaluateInput; holdout: TrainingData },
  tools: StageTools,
): Promise<Float32Array | null> {
  const { champion } = input;
  if (champion === null) return null;
  tools.progress(`scoring the champion ${champion.version}`);
  if (champion.features === input.candidate.features) return scoreModel(store, champion, holdout);
  const engine = await createFeatureEngine({ store, spec: await store.getJson<FeatureSpec>(champion.features) });
  try {
    const { rows, columns, labels } = await engine.computeFromParquet(input.holdout.holdoutRequests, tools.signal);
    const same = rows === holdout.rows && labels !== null && labels.every((label, row) => label === holdout.labels[row]);
    if (!same)
      throw new CountersignError(
        "evaluation-failed",
        `The champion ${champion.version} was given other rows than the candidate (${rows} and ${holdout.rows}).`,
      );
    return await scoreModel(store, champion, { rows, columns: columnsByName(columns), labels });
  } catch (error) {
    if (error instanceof CountersignError && error.code === "feature-sql")
      throw new CountersignError(
        "evaluation-failed",
        `The champion ${champion.version} cannot be scored on the new data: ${error.message}`,
        { cause: error },
      );
    throw error;
  } finally {
    await engine.close();
  }
}

interface Scored {
  definition: ResolvedDefinition;
  labels: Uint8Array;
  scores: { candidate: Float32Array; champion: Float32Array | null };
  championVersion: string | null;
}

async function evaluate({ definition, labels, scores, championVersion }: Scored, signal: AbortSignal): Promise<Evaluation> {
  const rounds = definition.evaluate.bootstrapRounds;
  const ranked = rank(labels, scores.candidate, "candidate");
  const positives = labels.reduce((count, label) => count + label, 0);
  if (positives === 0 || positives === labels.length)
    throw new CountersignError(
      "evaluation-failed",
      `All ${labels.length} held-out rows have the label ${positives === 0 ? 0 : 1}: no metric can be told.`,
    );
  const estimates = await bootstrapMetrics({
    candidate: ranked,
    champion: scores.champion === null ? null : rank(labels, scores.champion, "champion"),
    rounds,
    seed: definition.train.seed,
    signal,
  });
  const { thresholds } = definition.evaluate;
  const metrics = metricNames.map((metric): MetricRow => {
    const candidate = estimates.candidate[metric];
    const threshold = thresholds[metric] ?? null;
    return {
      metric,
      candidate,
      champion: estimates.champion?.[metric] ?? null,
      change: estimates.change?.[metric] ?? null,
      threshold,
      verdict: verdictOf(metric, candidate.value, threshold),
    };
  });
  const headlineMetric = metricNames.find((metric) => thresholds[metric] !== undefined) ?? "auc";
  return {
    rows: labels.length,
    positives,
    baseRate: positives / labels.length,
    metrics,
    calibration: calibrationCurve(ranked),
    confusion: confusionAt(definition.deploy.threshold, labels, scores.candidate),
    flips: scores.champion === null ? null : flipsAt(definition.deploy.threshold, scores.candidate, scores.champion),
    bootstrapRounds: rounds,
    verdict: worst(metrics.map(({ verdict }) => verdict)),
    headline: {
      metric: headlineMetric,
      candidate: estimates.candidate[headlineMetric],
      champion: estimates.champion?.[headlineMetric].value ?? null,
      threshold: thresholds[headlineMetric]?.pass ?? null,
    },
    championVersion,
  };
}

function rank(labels: Uint8Array, scores: Float32Array, who: string) {
  try {
    return rankScores(labels, scores);
  } catch (error) {
    throw new CountersignError(
      "evaluation-failed",
      `The ${who} gives no probabilities: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function verdictOf(metric: MetricName, value: number, threshold: MetricRow["threshold"]): Verdict {
  if (threshold === null) return "pass";
  const sign = higherIsBetter[metric] ? 1 : -1;
  if (sign * (value - threshold.pass) >= 0) return "pass";
  return sign * (value - threshold.fail) < 0 ? "fail" : "warn";
}

function worst(verdicts: Verdict[]): Verdict {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.includes("warn") ? "warn" : "pass";
}

function liesOnTheWorseSide(metric: MetricName, change: Estimate): boolean {
  return higherIsBetter[metric] ? change.high < 0 : change.low > 0;
}

const metricTitles: Record<MetricName, string> = {
  auc: "AUC",
  logLoss: "Log loss",
  brier: "Brier score",
  calibrationError: "Calibration error",
};

/** "AUC 0.655 (0.648–0.662) on 20,197 held-out flights, passes 0.62; champion 0.641; 4.1 % of decisions flip." */
function summaryOf({ headline, metrics, rows, verdict, flips }: Evaluation, source: string): string {
  const { value, low, high } = headline.candidate;
  const row = metrics.find(({ metric }) => metric === headline.metric);
  const judged =
    row?.threshold == null
      ? ""
      : `, ${{ pass: "passes", warn: "misses", fail: "fails" }[row.verdict]} ${row.verdict === "fail" ? row.threshold.fail : row.threshold.pass}`;
  const others = metrics
    .filter((other) => other.metric !== headline.metric && other.verdict !== "pass")
    .map(
      ({ metric, candidate, verdict: found }) =>
        `${metricTitles[metric].toLowerCase()} ${candidate.value.toFixed(3)} ${found === "fail" ? "fails" : "is a warning"}`,
    );
  const compared = headline.champion === null ? ["no champion yet"] : [`champion ${headline.champion.toFixed(3)}`];
  if (flips !== null) compared.push(`${(100 * flips.share).toFixed(1)} % of decisions flip`);
  const sentence = `${metricTitles[headline.metric]} ${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)}) on ${rows.toLocaleString("en-US")} held-out ${source}${judged}`;
  return `${[sentence, ...others, ...compared].join("; ")}.${verdict === "fail" ? " The candidate fails." : ""}`;
}
