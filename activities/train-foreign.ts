import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CountersignError } from "../domain/errors.ts";
import type { TrainResult } from "../domain/stage-results.ts";
import { createJobFolder, readOutput } from "../ml/trainers/job-folder.ts";
import { jobFiles } from "../ml/trainers/job-contract.ts";
import { forgetJob } from "../ml/trainers/job-records.ts";
import type { ForeignJob, ForeignWork, TrainingInput } from "./train-contract.ts";
import { runStage } from "./stage-run.ts";
import { demandName, readTrainingJob } from "./train-job.ts";
import { readReport, reportLimitBytes } from "./train-process.ts";
import { inspectTrained, kilobytes, seconds } from "./train-run.ts";
import { keepTrainingFiles } from "./training-files.ts";
import { trainBaselineToo, type TrainDependencies, withDefaults } from "./train.ts";

/**
 * A trainer on a task queue of its own keeps the same contract of files, in a folder that its worker and ours
 * both see: `prepareJob` lays it out, the foreign activity `train` works in it, `collectJob` takes what it wrote.
 */
export function createForeignActivities(given: TrainDependencies) {
  const deps = withDefaults(given);
  const { store, exchangeDirectory } = deps;

  function exchange(): string {
    if (exchangeDirectory !== undefined) return exchangeDirectory;
    throw new CountersignError("trainer-failed", "This worker shares no folder with foreign trainers: set COUNTERSIGN_EXCHANGE.");
  }

  return {
    prepareJob: runStage(async (input: TrainingInput): Promise<ForeignJob> => {
      const scratch = await mkdtemp(join(tmpdir(), "countersign-train-"));
      try {
        const { job, trainData, validationData } = await readTrainingJob(store, input, { scratch, trial: false });
        const jobsDirectory = exchange();
        const folder = await createJobFolder({
          jobsDirectory,
          release: input.release,
          job,
          trainData,
          validationData,
          openToOthers: true,
        });
        return { contract: 1, release: input.release, job: folder.name, folder: folder.path };
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    }),

    collectJob: runStage(async (input: ForeignWork, tools): Promise<TrainResult> => {
      const folder = join(exchange(), demandName(input.job));
      const scratch = await mkdtemp(join(tmpdir(), "countersign-train-"));
      try {
        const prepared = await readTrainingJob(store, input, { scratch, trial: false });
        const outputBytes = prepared.limits.outputMb * 2 ** 20;
        const said = readReport(await readOutput(folder, jobFiles.report, reportLimitBytes));
        const bytes = await readOutput(folder, jobFiles.model, outputBytes);
        if (bytes === null) throw nothingWritten(input.taskQueue);
        const written = await readOutput(folder, "log.txt", 1 << 20);
        const head = `Trained by the task queue ${input.taskQueue} in ${seconds(input.durationMs)}.\n`;
        const log = await store.put(head + (written?.toString("utf8") ?? "It wrote no log.txt.\n"));
        const expected = said?.predictions;
        await inspectTrained(bytes, prepared, {
          extra: { log },
          signal: tools.signal,
          ...(expected === undefined ? {} : { expected }),
        });
        const model = await store.put(bytes);
        const made: TrainResult = {
          summary:
            `The task queue ${input.taskQueue} trained in ${seconds(input.durationMs)} on ${prepared.features.length} features: ${kilobytes(bytes.byteLength)} of ONNX. ${said?.summary ?? ""}`.trimEnd(),
          model,
          log,
          trainer: prepared.train.trainer,
          seed: prepared.job.seed,
          parameters: prepared.job.parameters,
          environment: { ...said?.environment, "task queue": input.taskQueue },
          durationMs: input.durationMs,
          modelBytes: bytes.byteLength,
          files: await keepTrainingFiles(store, { prepared, code: null, model }),
        };
        const baseline = input.alone === true ? {} : await trainBaselineToo(deps, { input, prepared }, tools);
        forgetJob(exchange(), demandName(input.job));
        return { ...made, ...baseline };
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    }),
  };
}

function nothingWritten(taskQueue: string): CountersignError {
  return new CountersignError("trainer-failed", `The worker of ${taskQueue} ended well but wrote no ${jobFiles.model}.`);
}
