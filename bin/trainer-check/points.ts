import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runTrainer, type TrainProcessResult } from "../../activities/train-process.ts";
import { inspectTrained } from "../../activities/train-run.ts";
import { digestOf } from "../../domain/digest.ts";
import type { Task } from "../../domain/task.ts";
import { createScorer } from "../../ml/onnx/scorer.ts";
import { type Command, findIsolation } from "../../ml/trainers/isolation.ts";
import { readTrainingData } from "../../ml/trainers/training-data.ts";
import { scoreValidation } from "../../ml/trainers/validation-score.ts";
import { sampleFeatures, sampleJob, sampleLabels, writeSample } from "./sample-jobs.ts";

/** One thing that the contract asks, and whether it is kept. */
export interface Point {
  name: string;
  outcome: "kept" | "broken" | "not offered";
  said: string;
}

export interface Checked {
  command: Command;
  /** For made data and job folders. */
  folder: string;
}

/** What a constant answer reaches on the made data; a trainer that learns anything stays below. */
const constant: Record<Task, number> = { binary: 0.69, multiclass: 1.05, regression: 4.9 };

/** Whether this machine locks it away as a release would, where it matters that it needs no more than it is given. */
export async function checkIsolation(): Promise<Point> {
  const isolation = await findIsolation();
  return isolation.way === null
    ? {
        name: "runs isolated",
        outcome: "not offered",
        said: `${isolation.description}. A training worker here refuses \`trainer: command\` (docs/trainers.md)`,
      }
    : { name: "runs isolated", outcome: "kept", said: isolation.description.replace(/^isolated: /, "") };
}

/** All points of one task: it trains, the model fits, it learned something, it repeats itself. */
export async function checkTask(checked: Checked, task: Task): Promise<Point[]> {
  const data = await writeSample(checked.folder, task);
  const first = await train(checked, { task, data });
  const name = (what: string) => `${task}: ${what}`;
  if (first.end.code !== 0 && task !== "binary" && first.model === null)
    return [{ name: name("trains"), outcome: "not offered", said: lastLine(first) }];
  if (first.refusal !== null)
    return [{ name: name("what it wrote can be read"), outcome: "broken", said: first.refusal.message }];
  if (first.end.code !== 0 || first.model === null)
    return [{ name: name("trains"), outcome: "broken", said: `exit code ${first.end.code}: ${lastLine(first)}` }];
  const points: Point[] = [
    {
      name: name("trains, with texts, missing values and members of job.json that it does not know"),
      outcome: "kept",
      said: lastLine(first),
    },
  ];
  points.push(point(name("what it wrote can be read"), null));
  const expected = first.report?.predictions ?? [];
  const label = sampleLabels[task];
  const prepared = { features: sampleFeatures, label, trainData: data };
  const fault = await inspectTrained(first.model, prepared, { signal: new AbortController().signal, expected }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  points.push(point(name("the model takes the features and answers as the engine reads it"), fault));
  if (fault !== null) return points;
  points.push(
    expected.length > 0
      ? {
          name: name("the ONNX model says what the trained model says"),
          outcome: "kept",
          said: `${expected.length} numbers compared`,
        }
      : {
          name: name("the ONNX model says what the trained model says"),
          outcome: "not offered",
          said: "result.json gives no predictions",
        },
  );
  points.push(await learned(first.model, { task, data }));
  const second = await train(checked, { task, data });
  const same = second.model !== null && digestOf(second.model) === digestOf(first.model);
  points.push(point(name("the same job gives the same bytes"), same ? null : "the second run made another file"));
  return points;
}

/** What has nothing to do with a task: refusals, and how it ends. */
export async function checkBehaviour(checked: Checked): Promise<Point[]> {
  const oneClass = await train(checked, {
    task: "binary",
    data: await writeSample(checked.folder, "binary", { oneClass: true }),
  });
  const later = await train(checked, { task: "binary", data: await writeSample(checked.folder, "binary"), contract: 2 });
  // A program that is still starting hears nothing; a whole refusal took so long on this machine now.
  const ending = { startMs: oneClass.end.durationMs };
  return [
    refusal("a label of one class is refused", oneClass),
    refusal("a job of a contract that it does not know is refused", later),
    await endsBy(checked, { ...ending, by: "SIGTERM" }, (child) => void child.kill("SIGTERM")),
    await endsBy(checked, { ...ending, by: "the end of its stdin" }, (child) => void child.stdin?.end()),
  ];
}

function train(
  { command, folder }: Checked,
  { task, data, contract = 1 }: { task: Task; data: string; contract?: number },
): Promise<TrainProcessResult> {
  const job = { ...sampleJob(task), contract };
  return runTrainer({
    release: "trainer-check",
    trainer: "yours",
    command,
    // A contract of later is what this point is about.
    job: job as ReturnType<typeof sampleJob>,
    trainData: data,
    limits: { minutes: 5, memoryMb: 4096, outputMb: 200 },
    jobsDirectory: join(folder, "jobs"),
    needsIsolation: false,
    signal: new AbortController().signal,
    onLine: () => undefined,
  });
}

async function learned(bytes: Buffer, { task, data }: { task: Task; data: string }): Promise<Point> {
  const label = sampleLabels[task];
  const rows = await readTrainingData({ path: data, features: sampleFeatures, label: "label", task: label, orderBy: "row_id" });
  const scorer = await createScorer({ bytes, features: sampleFeatures, label });
  const scores = await scorer.scoreAll(rows.columns);
  await scorer.close();
  const metric = task === "regression" ? "rmse" : "logLoss";
  const value = scoreValidation(metric, scores, rows.targets);
  const said = `${metric} ${value.toFixed(3)}, a constant reaches ${constant[task]}`;
  return { name: `${task}: it learned something`, outcome: value < constant[task] ? "kept" : "broken", said };
}

async function endsBy(
  { command, folder }: Checked,
  { by, startMs }: { by: string; startMs: number },
  ask: (child: ReturnType<typeof spawn>) => void,
): Promise<Point> {
  const cwd = await mkdtemp(join(folder, "ending-"));
  await writeFile(join(cwd, "job.json"), JSON.stringify(sampleJob("binary")));
  await writeFile(join(cwd, "train.parquet"), "");
  const child = spawn(command.command, command.args, { cwd, stdio: ["pipe", "pipe", "ignore"], detached: true });
  const ended = once(child, "exit");
  // Its first word says that it has started, where it says one.
  await Promise.race([once(child.stdout, "data"), ended, sleep(Math.max(150, 2 * startMs))]);
  child.stdout.resume();
  const began = performance.now();
  ask(child);
  const within = await Promise.race([ended.then(() => true), sleep(2_000 + startMs).then(() => false)]);
  if (!within && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  await ended;
  await rm(cwd, { recursive: true, force: true });
  const said = within ? `after ${Math.round(performance.now() - began)} ms` : "it went on; the engine kills it";
  return { name: `${by} ends it within two seconds`, outcome: within ? "kept" : "broken", said };
}

function refusal(name: string, run: TrainProcessResult): Point {
  const refused = run.end.code !== 0 && lastLine(run) !== "";
  return {
    name: `${name} with a sentence`,
    outcome: refused ? "kept" : "broken",
    said: refused ? lastLine(run) : "it ended well",
  };
}

function point(name: string, fault: string | null): Point {
  return { name, outcome: fault === null ? "kept" : "broken", said: fault ?? "" };
}

function lastLine({ log }: TrainProcessResult): string {
  return (log.trimEnd().split("\n").at(-1) ?? "").slice(0, 200);
}
