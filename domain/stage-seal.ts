import { canonicalJson } from "./canonical-json.ts";
import type { Digest, VersionId } from "./ids.ts";
import type { EvaluateInput, FeaturizeResult, StageContext } from "./stage-results.ts";

/**
 * The stages whose results carry a seal: those that run on the queue `stages`. Anyone who reaches Temporal's port can
 * answer for a stage or hand a result to the activity that records it; only those workers have the key.
 */
export const sealedStages = ["ingest", "validate", "featurize", "evaluate", "monitor"] as const;
export type SealedStage = (typeof sealedStages)[number];

/** What each of them is asked: what the worker was given, and what the recorder expects it to have been given. */
export interface StageQuestions {
  ingest: StageContext;
  validate: StageContext & { dataset: Digest };
  featurize: StageContext & { dataset: Digest };
  evaluate: EvaluateInput;
  monitor: StageContext & {
    version: VersionId;
    environment: string;
    train: Digest;
    spec: Digest;
    holdout: Digest;
    onnx: Digest;
  };
}

/** Of a question, what a result must not be carried away from: a seal is good for one release and for the very same inputs. */
const inputsOf: { [Stage in SealedStage]: (asked: StageQuestions[Stage]) => object } = {
  ingest: () => ({}),
  validate: ({ dataset }) => ({ dataset }),
  featurize: ({ dataset }) => ({ dataset }),
  evaluate: ({ holdout, candidate, baseline = null, champion }) => ({
    tables: tablesOf(holdout),
    candidate: { onnx: candidate.onnx, features: candidate.features },
    baseline,
    champion: champion && { version: champion.version, onnx: champion.onnx, features: champion.features },
  }),
  monitor: ({ version, environment, train, spec, holdout, onnx }) => ({ version, environment, train, spec, holdout, onnx }),
};

/** A featurize stage's result without its words, which the database may have had to spell otherwise. */
function tablesOf(featurized: FeaturizeResult): object {
  return { ...featurized, summary: undefined, seal: undefined };
}

/** The exact text that is sealed. */
export function sealedText<Stage extends SealedStage>(of: {
  stage: Stage;
  asked: StageQuestions[Stage];
  result: object;
}): string {
  const { stage, asked } = of;
  const { model, release, definition, parameters } = asked;
  const inputs = inputsOf[stage](asked);
  // As it travels: what JSON leaves out is not part of it.
  const { seal: _, ...result } = JSON.parse(JSON.stringify(of.result)) as { seal?: unknown };
  return `countersign-stage-v1\n${canonicalJson({ stage, model, release, definition, parameters, inputs, result })}`;
}
