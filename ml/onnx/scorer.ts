import { Worker } from "node:worker_threads";
import type { Feature, FeatureColumns } from "../trainers/training-data.ts";
import { openSession, type SessionInput } from "./session.ts";

/** A batch above this runs in a thread of its own: 1,000 rows of boosted trees hold the event loop for 7 ms. */
const inlineRows = 100;

/** What a model says of each row: `width` numbers a row, row by row. */
export interface Scores {
  /** Binary and regression 1, multiclass the number of classes. */
  width: number;
  values: Float32Array;
}

export interface Scorer {
  /** Of a binary model: probabilities of the positive class, in row order. Columns by feature name: Float32Array (NaN: missing) or strings ("": missing). */
  score(columns: FeatureColumns): Promise<Float32Array>;
  /** Of any task: the positive's probability, one probability a class in their order, or the value. */
  scoreAll(columns: FeatureColumns): Promise<Scores>;
  close(): Promise<void>;
}

/** What goes to scorer-worker.ts and what comes back. */
export type ScoreRequest = { id: number; columns: FeatureColumns; rows: number };
export type ScoreAnswer = { id: number; values: Float32Array } | { id: number; error: string };

/**
 * A model ready to score. Small batches run here (25 to 40 µs a row), large ones in a worker thread,
 * started when the first comes, so that the event loop stays free. Only for inspected models.
 */
export async function createScorer(input: SessionInput): Promise<Scorer> {
  const { features, label } = input;
  const session = await openSession(input);
  let thread: ReturnType<typeof startThread> | undefined;
  async function run(columns: FeatureColumns): Promise<Float32Array> {
    const rows = rowsOf(features, columns);
    if (rows <= inlineRows) return session.run(columns, 0, rows);
    thread ??= startThread(input);
    return thread.score(columns, rows);
  }
  return {
    score: async (columns) => {
      if (label !== undefined && label.task !== "binary")
        throw new TypeError(`A ${label.task} model has no probability of a positive class.`);
      return run(columns);
    },
    scoreAll: async (columns) => ({ width: session.width, values: await run(columns) }),
    close: async () => {
      await thread?.close();
      await session.close();
    },
  };
}

function rowsOf(features: Feature[], columns: FeatureColumns): number {
  const lengths = new Set(features.map(({ name }) => columns[name]?.length ?? -1));
  const [rows] = lengths;
  if (rows === undefined || rows < 0 || lengths.size !== 1)
    throw new RangeError("The feature columns are not all there, or not of one length.");
  return rows;
}

function startThread(input: SessionInput) {
  const worker = new Worker(new URL("./scorer-worker.ts", import.meta.url), { workerData: input });
  const waiting = new Map<number, { resolve: (values: Float32Array) => void; reject: (error: Error) => void }>();
  let ended: Error | undefined;
  let lastId = 0;
  // An idle thread must not keep the process alive.
  worker.unref();

  function settle(answer: ScoreAnswer): void {
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ("error" in answer) caller?.reject(new Error(answer.error));
    else caller?.resolve(answer.values);
  }
  function end(error: Error): void {
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }
  worker.on("message", settle);
  worker.on("error", end);
  worker.on("exit", () => end(ended ?? new Error("The scoring thread has ended.")));

  return {
    score: (columns: FeatureColumns, rows: number) =>
      new Promise<Float32Array>((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        worker.ref();
        const request: ScoreRequest = { id: lastId, columns, rows };
        worker.postMessage(request);
      }),
    close: () => worker.terminate(),
  };
}
