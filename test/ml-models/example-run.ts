import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEvaluateActivity } from "../../activities/evaluate.ts";
import { createFeaturizeActivity } from "../../activities/featurize.ts";
import { createIngestActivity } from "../../activities/ingest.ts";
import { createTrainActivity } from "../../activities/train.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import { checkDefinition } from "../../domain/definition-check.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { EvaluateInput, EvaluateResult } from "../../domain/stage-results.ts";
import { startActivity } from "./flight-artifacts.ts";
import { rootAt } from "../setup/root-at.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** An example's definition as it is applied, files in place. */
export async function exampleDefinition(name: string): Promise<ResolvedDefinition> {
  const folder = join(root, "examples", name);
  const text = async (file: string) => readFile(join(folder, file), "utf8");
  const files = { "contract.yaml": await text("contract.yaml"), "features.sql": await text("features.sql") };
  const { definition, faults } = checkDefinition(await text("model.yaml"), { format: "yaml", filesAllowed: true, files });
  if (definition === null) throw new Error(faults.map(({ path, message }) => `${path}: ${message}`).join("; "));
  return definition;
}

/** The stages of a release by the real activities, without Temporal around them. */
export async function runExample(
  { store, directory, definition }: { store: ArtifactStore; directory: string; definition: ResolvedDefinition },
  champion: EvaluateInput["champion"] = null,
): Promise<{ result: EvaluateResult; evaluation: Evaluation; candidate: EvaluateInput["candidate"] }> {
  const context = {
    model: definition.model,
    release: `${definition.model}.1`,
    definition: await store.putJson(definition),
    parameters: {},
  } as const;
  const { dataset } = await startActivity(createIngestActivity({ store, dataRoot: rootAt(root) }), context).result;
  const data = await startActivity(createFeaturizeActivity({ store }), { ...context, dataset }).result;
  const train = createTrainActivity({ store, jobsDirectory: join(directory, "jobs") });
  const trained = await startActivity(train, { ...context, spec: data.spec, train: data.train }).result;
  const candidate = { onnx: trained.model, features: data.spec };
  const evaluate = createEvaluateActivity({ store });
  const result = await startActivity(evaluate, { ...context, holdout: data, candidate, champion, baseline: trained.model })
    .result;
  return { result, evaluation: await store.getJson<Evaluation>(result.evaluation), candidate };
}
