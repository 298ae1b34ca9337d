import type { EvaluationDetail } from "../../domain/evaluation-detail.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { bootstrapMetrics } from "../metrics/bootstrap.ts";
import { brierParts, calibrationCurve, confusionAt, flipsOf, reliabilityOf } from "../metrics/calibration.ts";
import type { StageTools } from "../stage-tools.ts";
import { compareCosts } from "./costs.ts";
import { reportFairness, unknownAttribute } from "./fairness.ts";
import { type Grouping, groupBy, type RequestColumn } from "./groupings.ts";
import { withoutNames } from "./masked.ts";
import { compareWithBaseline, type Compared, headlineOf, metricRows } from "./metric-rows.ts";
import { type AnswerContext, type Answers, type ModelAnswers, partMetricFor, prepareAnswers } from "./model-answers.ts";
import { notesOn } from "./notes.ts";
import { scoreShape } from "./score-shape.ts";
import { reportSlices, type Slice, slicesOf } from "./slices.ts";
import { reportStability } from "./stability.ts";
import { worstVerdict } from "./verdict.ts";

/** Rows times rounds times models that a bootstrap may walk: about 20 s. More rows get fewer rounds, which is said. */
const mostWalked = 2e9;
const fewestRounds = 100;

export interface AnsweredHoldout {
  definition: ResolvedDefinition;
  label: LabelSpec;
  targets: Float64Array;
  answers: { candidate: Answers; champion: Answers | null; baseline: Answers | null };
  championVersion: string | null;
  /** The request's columns of the same rows, for slices and fairness. */
  request: RequestColumn[];
  /** Request columns whose values must not be shown: their groups are numbered. */
  masked?: Set<string>;
  /** When the rows happened; null where that is not known. */
  times: { by: string; values: Float64Array } | null;
  /** Slices that the definition states as conditions. */
  conditions: Slice[];
  seed: number;
}

/** All that can be told of answers without asking the model again. Pure but for its turns of the event loop: equal input, equal evaluation. */
export async function evaluateAnswers(input: AnsweredHoldout, tools: StageTools): Promise<Evaluation> {
  const { definition, label, targets, championVersion } = input;
  const { evaluate } = definition;
  refuseOneLabel(input);
  const context = contextOf(input);
  const models = preparedModels(input, context);
  const rounds = roundsFor(input, models);
  tools.progress(`drawing ${rounds} resamples of ${targets.length} rows`);
  const found = await bootstrapMetrics({
    candidate: models.candidate.measure,
    champion: models.champion?.measure ?? null,
    baseline: models.baseline?.measure ?? null,
    rounds,
    seed: input.seed,
    signal: tools.signal,
  });
  const metrics = metricRows({ task: label.task, definition: evaluate, models }, found);
  const headline = headlineOf(label.task, metrics);
  tools.progress("looking at slices, groups and windows of time");
  const detail = detailOf(input, models, headline);
  const verdict = worstVerdict([...metrics.map((row) => row.verdict), ...(detail.fairness ?? []).map((row) => row.verdict)]);
  const { called } = models.candidate;
  const before = models.champion?.called ?? null;
  return {
    rows: targets.length,
    ...binaryPart(models, { targets, threshold: context.threshold }),
    metrics,
    calibration: calibrationOf(models.candidate, targets),
    flips: called === null || before === null ? null : flipsOf(called, before),
    bootstrapRounds: rounds,
    verdict,
    headline,
    championVersion,
    baseline: compareWithBaseline(headline.metric, metrics),
    ...detail,
    notes: notesOn({ input, metrics, rounds, untold: found.untold, stability: detail.stability ?? null }),
  };
}

export function contextOf({
  definition,
  label,
  targets,
}: Pick<AnsweredHoldout, "definition" | "label" | "targets">): AnswerContext {
  return { label, targets, threshold: definition.deploy.threshold, quantile: definition.evaluate.quantile ?? 0.5 };
}

/** Models that answer the same, such as a champion that is the simple model of the same data, are prepared and resampled once. */
function preparedModels({ answers }: AnsweredHoldout, context: AnswerContext): Compared {
  const known: { of: Answers; prepared: ModelAnswers }[] = [];
  const prepare = (of: Answers, who: string): ModelAnswers => {
    const same = known.find((one) => saysTheSame(one.of, of));
    if (same !== undefined) return same.prepared;
    const prepared = prepareAnswers(of, context, who);
    known.push({ of, prepared });
    return prepared;
  };
  return {
    candidate: prepare(answers.candidate, "candidate"),
    champion: answers.champion && prepare(answers.champion, "champion"),
    baseline: answers.baseline && prepare(answers.baseline, "baseline"),
  };
}

function saysTheSame(one: Answers, other: Answers): boolean {
  return (
    one.width === other.width &&
    one.values.length === other.values.length &&
    one.values.every((value, index) => value === other.values[index])
  );
}

function refuseOneLabel({ targets, label }: AnsweredHoldout): void {
  const [first] = targets;
  if (first === undefined) throw new CountersignError("evaluation-failed", "No rows are held out: no metric can be told.");
  if (targets.some((target) => target !== first)) return;
  const name = label.task === "multiclass" ? (label.classes[first] ?? first) : first;
  const same = label.task === "regression" ? "the same label" : `the label ${name}`;
  throw new CountersignError("evaluation-failed", `All ${targets.length} held-out rows have ${same}: no metric can be told.`);
}

function roundsFor({ definition, targets, label }: AnsweredHoldout, models: Compared): number {
  const compared = Object.values(models).filter((model) => model !== null).length;
  const walks = compared * (label.task === "multiclass" ? label.classes.length : 1);
  const asked = definition.evaluate.bootstrapRounds;
  return Math.min(asked, Math.max(fewestRounds, Math.floor(mostWalked / (targets.length * walks))));
}

function binaryPart(
  { candidate }: Compared,
  { targets, threshold }: { targets: Float64Array; threshold: number },
): Pick<Evaluation, "positives" | "baseRate" | "confusion" | "brierParts"> {
  if (candidate.ranked === null) return { positives: null, baseRate: null, confusion: null, brierParts: null };
  const positives = targets.reduce((sum, target) => sum + target, 0);
  return {
    positives,
    baseRate: positives / targets.length,
    confusion: confusionAt(threshold, targets, candidate.score),
    brierParts: brierParts(candidate.ranked),
  };
}

function calibrationOf(candidate: Compared["candidate"], targets: Float64Array): Evaluation["calibration"] {
  if (candidate.ranked !== null) return calibrationCurve(candidate.ranked);
  return candidate.classes === null ? reliabilityOf(targets, candidate.score) : calibrationCurve(candidate.classes.top);
}

function detailOf(input: AnsweredHoldout, models: Compared, headline: Evaluation["headline"]): EvaluationDetail {
  const { definition, label, targets } = input;
  const { evaluate } = definition;
  const metric = partMetricFor(headline.metric, label.task);
  const { candidate, champion } = models;
  const { slices, chosen } = chosenSlices(input);
  return {
    task: label.task,
    ...(definition.label.name === "positive" ? {} : { label: definition.label.name }),
    ...(label.task === "multiclass" ? { classes: label.classes } : {}),
    costs:
      evaluate.costs === undefined || candidate.ranked === null
        ? null
        : compareCosts(candidate.ranked, evaluate.costs, definition.deploy.threshold),
    fairness: [
      ...reportFairness({
        task: label.task,
        groupings: protectedGroupings(input),
        targets,
        candidate,
        classes: label.task === "multiclass" ? label.classes.length : 2,
        definition: evaluate.fairness,
        judgeBy: evaluate.judgeBy ?? "value",
      }),
      ...evaluate.protected
        .filter((attribute) => !input.request.some(({ name }) => name === attribute))
        .map((attribute) => unknownAttribute(attribute, label.task)),
    ],
    slices: slices.length === 0 ? null : reportSlices({ slices, chosen, metric, candidate, champion }),
    stability:
      input.times === null
        ? null
        : reportStability({ times: input.times.values, by: input.times.by, targets, metric, candidate, champion }),
    scores: scoreShape(models, targets, label),
  };
}

function grouped({ masked }: AnsweredHoldout, column: RequestColumn, edges?: number[]): Grouping {
  const grouping = groupBy(column, edges);
  return masked?.has(column.name) === true ? withoutNames(grouping) : grouping;
}

function protectedGroupings(input: AnsweredHoldout): Grouping[] {
  const { definition, request } = input;
  const { protected: attributes, bands } = definition.evaluate;
  return attributes.flatMap((attribute) => {
    const column = request.find(({ name }) => name === attribute);
    return column === undefined ? [] : [grouped(input, column, bands?.[attribute])];
  });
}

function chosenSlices(input: AnsweredHoldout): {
  slices: Slice[];
  chosen: "definition" | "automatic";
} {
  const { definition, request, conditions } = input;
  const stated = definition.evaluate.slices;
  if (stated === undefined) return { slices: slicesOf(request.map((column) => grouped(input, column))), chosen: "automatic" };
  const columns = request.filter(({ name }) => stated.includes(name));
  return { slices: [...conditions, ...slicesOf(columns.map((column) => grouped(input, column)))], chosen: "definition" };
}
