import { readFile, writeFile } from "node:fs/promises";
import { version as duckdbVersion } from "@duckdb/node-api";
import { measureBinary } from "../metrics/binary-metrics.ts";
import { plainValues } from "../metrics/measure.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { rankScores } from "../metrics/ranked-scores.ts";
import { trainBaseline } from "./baseline.ts";
import { type MadeModel, trainLinearBaseline, trainSoftmaxBaseline } from "./baseline-tasks.ts";
import { jobFiles, type TrainerReport, type TrainJob } from "./job-contract.ts";
import { type LabelledData, readTrainingData } from "./training-data.ts";

/**
 * The built-in trainer as a process: reads job.json and the Parquet in its working directory,
 * writes model.onnx and result.json there, and ends with 0, or with 1 and a sentence on stderr.
 */
// The engine holds the other end of stdin: when it is gone, nobody waits for this model any more.
process.stdin.on("end", () => process.exit(3));
process.stdin.resume();

try {
  // Written by the engine; its version is checked before anything else is read.
  const job = JSON.parse(await readFile(jobFiles.job, "utf8")) as TrainJob;
  if (job.contract !== 1) throw new RangeError(`This trainer knows contract 1 of job.json, not ${String(job.contract)}.`);
  const label = labelOf(job);
  const data = await readTrainingData({ path: job.train, features: job.features, label: job.label, task: label });
  console.log(`Read ${data.rows} rows with ${job.features.length} features.`);
  const { onnx, said, weights, iterations, metrics } = train(job, label, data);
  const summary = `${label.task === "regression" ? "Solved" : `Converged after ${iterations} iterations`} with ${weights} weights; ${said}.`;
  console.log(summary);
  await writeFile(jobFiles.model, onnx);
  const report: TrainerReport = {
    environment: {
      trainer: "countersign-baseline 1",
      node: process.versions.node,
      duckdb: duckdbVersion(),
      onnx: "opset 17, ai.onnx.ml 3",
    },
    summary,
    metrics,
    iterations,
  };
  await writeFile(jobFiles.report, JSON.stringify(report));
  console.log(`Wrote ${jobFiles.model}, ${onnx.byteLength} bytes.`);
  process.exit(0);
} catch (error) {
  console.error(error instanceof RangeError ? error.message : error);
  process.exit(1);
}

function labelOf({ task = "binary", classes }: TrainJob): LabelSpec {
  if (task !== "multiclass") return { task };
  if (classes === null || classes === undefined) throw new RangeError("job.json names no classes.");
  return { task, classes };
}

function train(job: TrainJob, label: LabelSpec, data: LabelledData): MadeModel {
  const tell = (iteration: number, objective: number) =>
    console.log(`Iteration ${iteration}: objective ${objective.toFixed(6)}.`);
  if (label.task === "regression") return trainLinearBaseline(job, data);
  if (label.task === "multiclass") return trainSoftmaxBaseline({ ...job, classes: label.classes }, data, tell);
  const { onnx, fit, design } = trainBaseline(job, data, tell);
  const metrics = plainValues(measureBinary(rankScores(data.labels, fit.probabilities), 0.5));
  const weights = 1 + design.dense.length + design.categories.reduce((count, { categories }) => count + categories.length, 0);
  return {
    onnx,
    said: `AUC on the training rows ${(metrics.auc ?? Number.NaN).toFixed(4)}`,
    weights,
    iterations: fit.iterations,
    metrics: { ...metrics },
  };
}
