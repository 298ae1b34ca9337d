import { CountersignError } from "../domain/errors.ts";

/**
 * Gathers requests that arrive together into one piece of work, because features through DuckDB
 * cost 2 to 7 ms whether for one row or for two hundred.
 *
 * There is no linger: a request that meets an idle batcher starts at once, and what arrives while
 * all lanes are busy goes together with the next batch, so that batches grow with the load by
 * themselves; bench/serving.ts has the numbers.
 */
export interface BatchOptions<Item, Answer> {
  /** A batch closes at this many rows; a larger request makes a batch of its own. */
  maxRows: number;
  /** Beyond this many waiting rows a request is refused with `unavailable`. */
  maxWaitingRows: number;
  /** Batches under way at once: while one is being logged the next is computed. */
  lanes: number;
  /** Waiting rows from which a further lane opens; fewer wait for the batch under way. */
  laneRows?: number;
  /** Milliseconds that an idle batcher waits for company. */
  lingerMs?: number;
  work(items: Item[]): Promise<(Answer | Error)[]>;
}

export interface Batcher<Item, Answer> {
  /** Resolves with the answer for this item. Rejects with `unavailable` when too much waits, or when it has not begun at `deadline` (on the clock of performance.now()). */
  add(item: Item, size: { rows: number; deadline: number }): Promise<Answer>;
  waitingRows(): number;
  /** Resolves when nothing waits and nothing is under way. */
  drained(): Promise<void>;
}

interface Waiting<Item, Answer> {
  item: Item;
  rows: number;
  deadline: number;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export function createBatcher<Item, Answer>(options: BatchOptions<Item, Answer>): Batcher<Item, Answer> {
  const { maxRows, maxWaitingRows, lanes, laneRows = 1, lingerMs = 0, work } = options;
  let waiting: Waiting<Item, Answer>[] = [];
  let waitingRows = 0;
  let busy = 0;
  let scheduled = false;
  let onDrained: (() => void)[] = [];

  function take(): Waiting<Item, Answer>[] {
    const now = performance.now();
    const batch: Waiting<Item, Answer>[] = [];
    let rows = 0;
    let index = 0;
    for (; index < waiting.length; index += 1) {
      const next = waiting[index];
      if (next === undefined) break;
      // Nobody waits for it any more.
      if (next.deadline <= now) {
        waitingRows -= next.rows;
        next.reject(tooLate());
        continue;
      }
      if (rows > 0 && rows + next.rows > maxRows) break;
      rows += next.rows;
      batch.push(next);
    }
    waiting = waiting.slice(index);
    waitingRows -= rows;
    return batch;
  }

  function pump(): void {
    scheduled = false;
    while (waiting.length > 0 && (busy === 0 || (busy < lanes && waitingRows >= laneRows))) {
      const batch = take();
      if (batch.length === 0) continue;
      busy += 1;
      void answerAll(batch, work).then(() => {
        busy -= 1;
        pump();
      });
    }
    if (busy === 0 && waiting.length === 0) {
      for (const tell of onDrained) tell();
      onDrained = [];
    }
  }

  return {
    add: (item, { rows, deadline }) =>
      new Promise((resolve, reject) => {
        if (waitingRows + rows > maxWaitingRows && waitingRows > 0) {
          reject(
            new CountersignError("unavailable", `${waitingRows} rows wait already; ask again in a second.`, {
              extra: { retryAfterSeconds: 1 },
            }),
          );
          return;
        }
        waiting.push({ item, rows, deadline, resolve, reject });
        waitingRows += rows;
        if (busy >= lanes || scheduled) return;
        scheduled = true;
        // After this turn of the event loop: requests whose bytes arrived together go together.
        if (lingerMs > 0 && waitingRows < maxRows) setTimeout(pump, lingerMs);
        else setImmediate(pump);
      }),
    waitingRows: () => waitingRows,
    drained: () => (busy === 0 && waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => onDrained.push(resolve))),
  };
}

async function answerAll<Item, Answer>(batch: Waiting<Item, Answer>[], work: BatchOptions<Item, Answer>["work"]): Promise<void> {
  try {
    const answers = await work(batch.map(({ item }) => item));
    for (const [index, { resolve, reject }] of batch.entries()) {
      const answer = answers[index];
      if (answer === undefined) reject(new CountersignError("internal", "The batch gave no answer for a request."));
      else if (answer instanceof Error) reject(answer);
      else resolve(answer);
    }
  } catch (error) {
    for (const { reject } of batch) reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function tooLate(): CountersignError {
  return new CountersignError("unavailable", "The request waited too long to be answered.", { extra: { retryAfterSeconds: 1 } });
}
