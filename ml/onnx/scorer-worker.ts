import { parentPort, workerData } from "node:worker_threads";
import { openSession } from "./session.ts";
import type { ScoreAnswer, ScorerInput, ScoreRequest } from "./scorer.ts";

/** The thread behind createScorer: one session of its own, one request after the other. */
const batchRows = 4096;
// Given by createScorer.
const input = workerData as ScorerInput;
const session = openSession(input.bytes, input.features, input.intraOpNumThreads);

async function answer({ id, columns, rows }: ScoreRequest): Promise<ScoreAnswer> {
  try {
    const model = await session;
    const probabilities = new Float32Array(rows);
    for (let from = 0; from < rows; from += batchRows) {
      const to = Math.min(from + batchRows, rows);
      probabilities.set(await model.run(columns, from, to), from);
    }
    return { id, probabilities };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on("message", (request: ScoreRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
