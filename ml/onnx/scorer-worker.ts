import { parentPort, workerData } from "node:worker_threads";
import { openSession, type SessionInput } from "./session.ts";
import type { ScoreAnswer, ScoreRequest } from "./scorer.ts";

/** The thread behind createScorer: one session of its own, one request after the other. */
const batchRows = 4096;
// Given by createScorer.
const session = openSession(workerData as SessionInput);

async function answer({ id, columns, rows }: ScoreRequest): Promise<ScoreAnswer> {
  try {
    const model = await session;
    const values = new Float32Array(rows * model.width);
    for (let from = 0; from < rows; from += batchRows) {
      const to = Math.min(from + batchRows, rows);
      values.set(await model.run(columns, from, to), from * model.width);
    }
    return { id, values };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on("message", (request: ScoreRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
