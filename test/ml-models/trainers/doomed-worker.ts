/** A worker that will be killed while its trainer runs: `doomed-worker.ts <jobs directory> <parquet> <marker>`. */
import { fileURLToPath } from "node:url";
import { runTrainer } from "../../../activities/train-process.ts";

const [jobsDirectory = "", trainData = "", marker = ""] = process.argv.slice(2);
const trainer = fileURLToPath(new URL("./hang.mjs", import.meta.url));
await runTrainer({
  release: "flight-delays.7",
  trainer: "hang",
  command: {
    command: process.execPath,
    args: [trainer],
    sees: [process.execPath, trainer],
  },
  job: {
    contract: 1,
    train: "train.parquet",
    features: [],
    label: "label",
    seed: 1,
    parameters: { marker: Number(marker) },
  },
  trainData,
  limits: { minutes: 5, memoryMb: 500, outputMb: 10 },
  jobsDirectory,
  needsIsolation: false,
  signal: new AbortController().signal,
  onLine: (line) => console.log(line),
});
