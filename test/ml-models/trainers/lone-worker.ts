/** Runs a trainer once for each set of parameters, as the user that started it, and prints how each ended: `lone-worker.ts <JSON>`. */
import { fileURLToPath } from "node:url";
import { runTrainer } from "../../../activities/train-process.ts";
import type { TrainJob } from "../../../ml/trainers/job-contract.ts";

interface Work {
  trainer: string;
  parameters: TrainJob["parameters"][];
  trainData: string;
  jobsDirectory: string;
}

// Written by the test that started this.
const { trainer, parameters, ...places } = JSON.parse(process.argv[2] ?? "{}") as Work;
const main = fileURLToPath(new URL(`./${trainer}.mjs`, import.meta.url));
const runs = [];
for (const one of parameters) {
  const { end, isolated, log, model, refusal } = await runTrainer({
    release: "flight-delays.7",
    trainer: "foreign",
    command: { command: process.execPath, args: [main], sees: [process.execPath, main] },
    job: { contract: 1, train: "train.parquet", features: [], label: "label", seed: 1, parameters: one },
    needsIsolation: true,
    limits: { minutes: 0.5, memoryMb: 1000, outputMb: 10 },
    signal: new AbortController().signal,
    onLine: () => undefined,
    ...places,
  });
  runs.push({ end, isolated, log, model: model?.length ?? null, refusal: refusal?.message ?? null });
}
process.stdout.write(JSON.stringify(runs));
