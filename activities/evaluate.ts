import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { isWorseThanChampion } from "../domain/evaluation-verdict.ts";
import type { Evaluation } from "../domain/evidence.ts";
import type { EvaluateInput, EvaluateResult } from "../domain/stage-results.ts";
import { type AnsweredHoldout, contextOf, evaluateAnswers } from "../ml/evaluation/evaluate-answers.ts";
import {
  type Holdout,
  loadModel,
  readBackground,
  type LoadedModel,
  readHoldout,
  checkNotes,
  readRequests,
  scoreChampion,
  scoreOnce,
  featuresToMask,
  unseenValues,
} from "../ml/evaluation/holdout.ts";
import { sensitiveNames } from "../ml/evaluation/masked.ts";
import { reportSensitivity } from "../ml/evaluation/sensitivity.ts";
import { explainModel } from "../ml/explain/explain-model.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import { mayHaveSeen } from "../ml/evaluation/may-have-seen.ts";
import { worstVerdict } from "../ml/evaluation/verdict.ts";
import { drawEvaluation } from "./evaluation-pictures.ts";
import { summaryOf } from "./evaluation-summary.ts";
import { runStage } from "./stage-run.ts";

/** The fifth stage: candidate, champion and baseline on the same held-out rows, with intervals, and a verdict by the definition's thresholds. */
export function createEvaluateActivity({ store }: { store: ArtifactStore }): (input: EvaluateInput) => Promise<EvaluateResult> {
  return runStage(async (input, tools) => {
    const definition = await store.getJson<ResolvedDefinition>(input.definition);
    tools.progress("scoring the candidate");
    const holdout = await readHoldout(store, input);
    const candidate = await loadModel(store, input.candidate);
    try {
      const examined = await examine({ store, input, definition, holdout, candidate }, tools);
      const evaluation = { ...examined, charts: await drawEvaluation(store, examined, tools) };
      const { headline, verdict } = evaluation;
      return {
        summary: summaryOf(evaluation, definition.data.rows),
        verdict,
        evaluation: await store.putJson(evaluation),
        headline,
        worseThanChampion: isWorseThanChampion(evaluation),
      };
    } finally {
      await candidate.close();
    }
  });
}

interface Examination {
  store: ArtifactStore;
  input: EvaluateInput;
  definition: ResolvedDefinition;
  holdout: Holdout;
  candidate: LoadedModel;
}

async function examine(of: Examination, tools: StageTools): Promise<Evaluation> {
  const { store, input, definition, holdout, candidate } = of;
  const answers = await candidate.score(holdout.data.columns);
  const champion = await scoreChampion(store, { input, holdout }, tools);
  // Where the candidate is the simple model itself there is nothing to compare.
  const baseline =
    input.baseline === undefined || input.baseline === null || input.baseline === input.candidate.onnx
      ? null
      : await scoreOnce(store, { onnx: input.baseline, features: input.candidate.features }, holdout.data.columns);
  tools.signal.throwIfAborted();
  const { rows } = definition.data;
  const sensitive = sensitiveNames(definition);
  const answered: AnsweredHoldout = {
    definition,
    masked: new Set(Object.keys(holdout.spec.request).filter((column) => sensitive.has(`${rows}.${column}`))),
    label: holdout.label,
    targets: holdout.data.targets,
    answers: { candidate: answers, champion: champion.answers, baseline },
    championVersion: input.champion?.version ?? null,
    ...(await readRequests(store, { input, definition, spec: holdout.spec }, tools)),
    seed: definition.train.seed,
  };
  const evaluation = await evaluateAnswers(answered, tools);
  const sensitivity = await reportSensitivity(
    {
      features: holdout.spec.features,
      columns: holdout.data.columns,
      context: contextOf(answered),
      metric: evaluation.headline.metric,
      seed: answered.seed,
      score: candidate.score,
    },
    tools,
  );
  tools.progress("explaining the candidate");
  const explanation = await explainModel(
    {
      bytes: candidate.bytes,
      features: holdout.spec.features,
      label: holdout.label,
      threshold: definition.deploy.threshold,
      masked: await featuresToMask(store, input, sensitive),
      background: await readBackground(store, input, holdout.spec.features),
      columns: holdout.data.columns,
      seed: answered.seed,
      score: candidate.score,
    },
    tools,
  );
  const seen = mayHaveSeen(definition.train, answered);
  return {
    ...evaluation,
    // What it may know already is no clean pass, however good it looks.
    ...(seen === null ? {} : { mayHaveSeen: seen, verdict: worstVerdict([evaluation.verdict, "warn"]) }),
    importance: sensitivity?.importance ?? null,
    robustness: sensitivity?.robustness ?? null,
    explanation,
    notes: [
      ...(seen === null ? [] : [seen]),
      ...lostOnTheWay(definition.train),
      ...(champion.unlike === null ? [] : [champion.unlike]),
      ...(evaluation.notes ?? []),
      ...(sensitivity === null ? [withoutSensitivity] : []),
      ...(await checkNotes(store, input)),
      ...(await unseenValues(store, input, holdout.spec.features)),
    ],
  };
}

const withoutSensitivity =
  "Feature importance and robustness to disturbed input were not measured: the sample of rows for them lacks a class.";

/** An imported model may answer otherwise than it did where it was trained. */
function lostOnTheWay({ trainer, reference }: ResolvedDefinition["train"]): string[] {
  return trainer === "import" && reference === undefined
    ? ["No reference predictions were given (train.reference): what was lost on the way to ONNX is not known."]
    : [];
}
