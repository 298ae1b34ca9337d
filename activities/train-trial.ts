import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CountersignError } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { SearchTrial } from "../domain/stage-results.ts";
import type { SearchMetric } from "../domain/train-schema.ts";
import { createScorer } from "../ml/onnx/scorer.ts";
import { readTrainingData } from "../ml/trainers/training-data.ts";
import { scoreValidation } from "../ml/trainers/validation-score.ts";
import { runStage } from "./stage-run.ts";
import { commandOf } from "./train-command.ts";
import { type TrainDependencies, withDefaults } from "./train.ts";
import { readTrainingJob, type TrainInput, type TrainingJob } from "./train-job.ts";
import { runTraining } from "./train-run.ts";

export type TrialInput = TrainInput & { trial: { number: number; parameters: SearchTrial["parameters"]; metric: SearchMetric } };

/**
 * One point of a search: the trainer learns from the training rows but those set apart, and the engine itself
 * scores its model on them; the holdout is never touched. A trial that fails is an answer and no failure: the
 * others go on.
 */
export function createTrialActivity(given: TrainDependencies): (input: TrialInput) => Promise<SearchTrial> {
  const deps = withDefaults(given);
  return runStage(async (input, tools) => {
    const { trial, ...context } = input;
    const began = performance.now();
    const scratch = await mkdtemp(join(tmpdir(), "countersign-trial-"));
    const parameters = { ...context.parameters, train: { ...context.parameters.train, ...trial.parameters } };
    const told = { number: trial.number, parameters: trial.parameters };
    try {
      const prepared = await readTrainingJob(deps.store, { ...context, parameters }, { scratch, trial: true });
      const trainer = { ...(await commandOf(deps, prepared.train, tools)), name: prepared.train.trainer };
      const key = `${input.release}+trial${trial.number}`;
      const made = await runTraining(deps, { key, prepared, trainer }, tools);
      const value = await valueOf(made.bytes, prepared, trial.metric);
      return { ...told, value, durationMs: Math.round(performance.now() - began), fault: null };
    } catch (error) {
      tools.signal.throwIfAborted();
      // What has nothing to do with the point is no answer about it.
      if (!(error instanceof CountersignError) || !aboutThePoint.has(error.code)) throw error;
      const { log } = error.extra;
      const failed = { ...told, value: null, durationMs: Math.round(performance.now() - began), fault: error.message };
      return typeof log === "string" ? { ...failed, log: log as Digest } : failed;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

const aboutThePoint = new Set<string>(["trainer-failed", "trainer-timeout", "trainer-memory", "trainer-output", "model-refused"]);

async function valueOf(
  bytes: Buffer,
  { features, label, heldOut }: TrainingJob & { heldOut: string | null },
  metric: SearchMetric,
): Promise<number> {
  if (heldOut === null) throw new Error("A trial has rows set apart.");
  const data = await readTrainingData({ path: heldOut, features, label: "label", task: label, orderBy: "row_id" });
  const scorer = await createScorer({ bytes, features, label });
  try {
    const value = scoreValidation(metric, await scorer.scoreAll(data.columns), data.targets);
    // Compared with others a NaN would win by being the first.
    if (!Number.isFinite(value))
      throw new CountersignError(
        "trainer-failed",
        `${metric} cannot be told of the ${data.rows} validation rows (it is ${value}): they may all have one label.`,
      );
    return value;
  } finally {
    await scorer.close();
  }
}
