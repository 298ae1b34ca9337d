import { join } from "node:path";
import type { LabelSpec, Task } from "../../domain/task.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import { jobFiles, type TrainJob } from "../../ml/trainers/job-contract.ts";

const rows = 1500;
export const sampleFeatures: TrainJob["features"] = [
  { name: "size", type: "float" },
  { name: "age", type: "float" },
  { name: "kind", type: "string" },
];
export const sampleClasses = ["high", "low", "middle"];

export const sampleLabels: Record<Task, LabelSpec> = {
  binary: { task: "binary" },
  multiclass: { task: "multiclass", classes: sampleClasses },
  regression: { task: "regression" },
};

/** What is learned: `size` and `kind` tell most of it; a tenth of the ages and of the kinds is missing. */
const labelSql: Record<Task, string> = {
  binary: "CAST(signal > 0 AS INTEGER)",
  multiclass: "CASE WHEN signal > 0.6 THEN 0 WHEN signal < -0.6 THEN 1 ELSE 2 END",
  regression: "signal * 10 + 100",
};

/** Writes made data, the same each time, and gives its path. `oneClass`: a label from which nothing can be learned. */
export async function writeSample(folder: string, task: Task, { oneClass = false } = {}): Promise<string> {
  const path = join(folder, `${task}${oneClass ? "-one-class" : ""}.parquet`);
  const db = await openDuckDb();
  // Multiplicative congruences: noise that every machine makes alike.
  const noise = (factor: number) => `((i * ${factor}) % 1009) / 1009.0`;
  try {
    await db.run(`COPY (
      SELECT row_id, size, CASE WHEN i % 10 = 3 THEN NULL ELSE age END AS age,
        CASE WHEN i % 10 = 7 THEN NULL ELSE kind END AS kind, ${oneClass ? "0" : labelSql[task]} AS label
      FROM (
        SELECT *, size - 0.5 + CASE kind WHEN 'red' THEN 0.8 WHEN 'déjà vu' THEN -0.8 ELSE 0 END + 0.6 * (${noise(771)} - 0.5) AS signal
        FROM (
          SELECT i, CAST(i AS BIGINT) AS row_id, CAST(${noise(331)} AS FLOAT) AS size, CAST(20 + 60 * ${noise(557)} AS FLOAT) AS age,
            ['red', 'green', 'déjà vu', 'it''s "fine"'][1 + i % 4] AS kind
          FROM range(${rows}) AS numbers(i)
        )
      ) ORDER BY row_id
    ) TO ${quoteText(path)} (FORMAT parquet)`);
  } finally {
    db.close();
  }
  return path;
}

/** A job with a member that no trainer can know yet: it must be left alone. */
export function sampleJob(task: Task): TrainJob & { membersOfLater: boolean } {
  return {
    contract: 1,
    train: jobFiles.train,
    validation: null,
    features: sampleFeatures,
    label: "label",
    task,
    classes: task === "multiclass" ? sampleClasses : null,
    seed: 7,
    parameters: {},
    earlyStoppingRounds: null,
    monotone: {},
    classWeights: null,
    limits: { minutes: 5, memoryMb: 4096, outputMb: 200 },
    membersOfLater: true,
  };
}
