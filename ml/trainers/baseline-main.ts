import { readFile, writeFile } from "node:fs/promises";
import { version as duckdbVersion } from "@duckdb/node-api";
import { rankScores, weightedMetrics } from "../metrics/ranked-scores.ts";
import { trainBaseline } from "./baseline.ts";
import { jobFiles, type TrainerReport, type TrainJob } from "./job-contract.ts";
import { readTrainingData } from "./training-data.ts";

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
  const data = await readTrainingData({
    path: job.train,
    features: job.features,
    label: job.label,
  });
  console.log(`Read ${data.rows} rows with ${job.features.length} features.`);
  const { onnx, fit, design } = trainBaseline(job, data, (iteration, objective) =>
    console.log(`Iteration ${iteration}: objective ${objective.toFixed(6)}.`),
  );
  const metrics = weightedMetrics(rankScores(data.labels, fit.probabilities), null);
  const weights = 1 + design.dense.length + design.categories.reduce((count, { categories }) => count + categories.length, 0);
  const summary = `Converged after ${fit.iterations} iterations with ${weights} weights; AUC on the training rows ${metrics.auc.toFixed(4)}.`;
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
    metrics: { ...metrics },
    iterations: fit.iterations,
  };
  await writeFile(jobFiles.report, JSON.stringify(report));
  console.log(`Wrote ${jobFiles.model}, ${onnx.byteLength} bytes.`);
  process.exit(0);
} catch (error) {
  console.error(error instanceof RangeError ? error.message : error);
  process.exit(1);
}
