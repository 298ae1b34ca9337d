import { CountersignError } from "../../domain/errors.ts";
import type { EvaluateDefinition } from "../../domain/evaluate-schema.ts";
import type { BaselineComparison } from "../../domain/evaluation-detail.ts";
import {
  type Estimate,
  type Evaluation,
  higherIsBetter,
  type MetricName,
  type MetricRow,
  metricsOf,
  type PairedTest,
} from "../../domain/evidence.ts";
import type { Task } from "../../domain/task.ts";
import { metricInSentence } from "../../domain/wording.ts";
import type { BootstrapResult, Differences } from "../metrics/bootstrap.ts";
import { aucComponents, delongTest } from "../metrics/delong.ts";
import type { ModelAnswers } from "./model-answers.ts";
import { judged, marginOf, outcomeOf, settledBy } from "./verdict.ts";

export interface Compared {
  candidate: ModelAnswers;
  champion: ModelAnswers | null;
  baseline: ModelAnswers | null;
}

/** One row a metric: values with intervals, what changed and whether that is more than chance, threshold and verdict. */
export function metricRows(
  { task, definition, models }: { task: Task; definition: EvaluateDefinition; models: Compared },
  found: BootstrapResult,
): MetricRow[] {
  const by = definition.judgeBy ?? "value";
  const tests = { champion: delongOf(models.candidate, models.champion), baseline: delongOf(models.candidate, models.baseline) };
  return metricsOf[task].flatMap((metric): MetricRow[] => {
    const candidate = found.candidate[metric];
    const threshold = definition.thresholds[metric] ?? null;
    if (candidate === undefined) {
      if (threshold === null) return [];
      throw new CountersignError(
        "evaluation-failed",
        `The definition has a threshold for ${metricInSentence(metric)}, which cannot be told of these rows: a class, or any spread of the label, is missing among those held out or in nearly all resamples of them.`,
      );
    }
    return [
      {
        metric,
        candidate,
        champion: found.champion?.[metric] ?? null,
        ...changeOf(metric, found.change, tests.champion),
        threshold,
        verdict: threshold === null ? "pass" : judged(candidate, threshold, { higherIsBetter: higherIsBetter[metric], by }),
        baseline: found.baseline?.[metric] ?? null,
        ...overBaselineOf(metric, found.overBaseline, tests.baseline),
        margin: threshold === null ? null : marginOf(metric, candidate.value, threshold),
        settled: threshold === null ? null : settledBy(candidate, threshold),
      },
    ];
  });
}

interface Change {
  change: Estimate | null;
  test: PairedTest | null;
}

/** Interval and p-value by one method: DeLong's for AUC where it can be told, the resamples' for the rest. */
function changeOf(metric: MetricName, differences: Differences | null, delong: Change | null): Change {
  if (metric === "auc" && delong !== null) return delong;
  const one = differences?.[metric];
  if (one === undefined) return { change: null, test: null };
  return { change: { value: one.value, low: one.low, high: one.high }, test: { method: "paired-bootstrap", p: one.p } };
}

function overBaselineOf(metric: MetricName, over: Differences | null, delong: Change | null) {
  const { change, test } = changeOf(metric, over, delong);
  return { overBaseline: change, baselineTest: test };
}

function delongOf(candidate: ModelAnswers, other: ModelAnswers | null): Change | null {
  if (candidate.ranked === null || other === null || other.ranked === null) return null;
  const one = aucComponents(candidate.ranked);
  if (one.positives < 2 || one.negatives < 2) return null;
  const { difference, p } = delongTest(one, aucComponents(other.ranked));
  return { change: difference, test: { method: "delong", p } };
}

/** The first metric with a threshold, in the task's order; else the task's first. */
export function headlineOf(task: Task, rows: MetricRow[]): Evaluation["headline"] {
  const row = rows.find(({ threshold }) => threshold !== null) ?? rows[0];
  if (row === undefined)
    throw new CountersignError("evaluation-failed", `No metric of a ${task} model can be told of these rows.`);
  return {
    metric: row.metric,
    candidate: row.candidate,
    champion: row.champion?.value ?? null,
    threshold: row.threshold?.pass ?? null,
  };
}

export function compareWithBaseline(metric: MetricName, rows: MetricRow[]): BaselineComparison | null {
  const over = rows.find((row) => row.metric === metric)?.overBaseline ?? null;
  if (over === null) return null;
  const outcome = outcomeOf(metric, over);
  const name = metricInSentence(metric);
  const sentence = {
    better: `By ${name} it is better than the simple model that was trained beside it.`,
    "no-different": `By ${name} these rows cannot tell it from the simple model that was trained beside it.`,
    worse: `By ${name} it is worse than the simple model that was trained beside it.`,
  }[outcome];
  return { metric, outcome, sentence };
}
