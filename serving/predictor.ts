import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { PredictionBatch } from "../db/predictions.ts";
import { CountersignError } from "../domain/errors.ts";
import type { VersionId } from "../domain/ids.ts";
import type { Answer } from "./answer.ts";
import { checkInstances, type RequestRow } from "./instance-check.ts";
import type { LoadedVersion } from "./loaded-version.ts";
import { type Batcher, createBatcher } from "./micro-batch.ts";
import type { Slot } from "./slot-switch.ts";
import { isTooSlow } from "../ml/features/compute-features.ts";
import { toldError } from "../ml/told-error.ts";

export interface PredictionRequest {
  instances: unknown;
  key: string | null;
}

export interface PredictionAnswer {
  version: VersionId;
  predictions: ({ id: string } & Answer)[];
}

/**
 * From instances to predictions on record. A batch has one version, the one that the slot serves
 * when the batch begins. Its predictions are logged in one statement before any of them is
 * answered: what was answered is on record, whatever happens afterwards. So while the database is
 * away there are no predictions but `unavailable` (503), within `answerWithinMs`: a decision that
 * nobody could explain later is worse than one that comes later. The converse does not hold: a
 * prediction may be on record whose answer the caller never received.
 */
export interface Predictor {
  /** Rejects with `invalid`, `too-large`, `no-champion`, `unavailable`, `feature-sql`. */
  predict(slot: Slot, request: PredictionRequest): Promise<PredictionAnswer>;
  drained(): Promise<void>;
}

export interface PredictorOptions {
  /** Resolves when the predictions are durable. */
  log(batch: PredictionBatch): Promise<void>;
  logger: Logger;
  tuning?: Partial<PredictorTuning>;
}

export interface PredictorTuning {
  maxBatchRows: number;
  maxWaitingRows: number;
  lanes: number;
  laneRows: number;
  lingerMs: number;
  answerWithinMs: number;
  /** What has not begun by then is refused: begun later, it would be computed and logged for nobody. */
  beginWithinMs: number;
}

export const standardTuning: PredictorTuning = {
  maxBatchRows: 1_024,
  maxWaitingRows: 8_192,
  lanes: 2,
  laneRows: 256,
  lingerMs: 0,
  answerWithinMs: 1_900,
  beginWithinMs: 1_000,
};

export function createPredictor({ log, logger, tuning }: PredictorOptions): Predictor {
  const { maxBatchRows, maxWaitingRows, lanes, laneRows, lingerMs, answerWithinMs, beginWithinMs } = {
    ...standardTuning,
    ...tuning,
  };
  const batchers = new Map<string, Batcher<PredictionRequest, PredictionAnswer>>();

  function batcherOf(slot: Slot): Batcher<PredictionRequest, PredictionAnswer> {
    const key = `${slot.model}/${slot.environment}`;
    const present = batchers.get(key);
    if (present !== undefined) return present;
    const batcher = createBatcher<PredictionRequest, PredictionAnswer>({
      maxRows: maxBatchRows,
      maxWaitingRows,
      lanes,
      laneRows,
      lingerMs,
      work: (requests) => answerBatch(slot, requests, { log, logger }),
    });
    batchers.set(key, batcher);
    return batcher;
  }

  return {
    predict: (slot, request) => {
      const rows = Array.isArray(request.instances) ? Math.max(request.instances.length, 1) : 1;
      const answer = batcherOf(slot).add(request, { rows, deadline: performance.now() + beginWithinMs });
      return within(answer, answerWithinMs);
    },
    drained: async () => {
      await Promise.all([...batchers.values()].map((batcher) => batcher.drained()));
    },
  };
}

interface Readied {
  index: number;
  key: string | null;
  rows: RequestRow[];
}

async function answerBatch(
  slot: Slot,
  requests: PredictionRequest[],
  { log, logger }: Pick<PredictorOptions, "log" | "logger">,
): Promise<(PredictionAnswer | Error)[]> {
  const { serving, epoch, model, environment } = slot;
  if (serving === null) return requests.map(() => nothingServes(slot));
  const answers: (PredictionAnswer | Error)[] = requests.map(
    () => new CountersignError("internal", "The request was not looked at."),
  );
  const ready: Readied[] = [];
  for (const [index, { instances, key }] of requests.entries()) {
    try {
      ready.push({ index, key, rows: checkInstances(instances, serving.requests) });
    } catch (error) {
      answers[index] = asError(error);
    }
  }
  const scored = await scoreAll(serving, ready, { answers, logger });
  const logged: PredictionBatch["predictions"] = [];
  for (const { index, key, rows, said } of scored) {
    const ids = predictionIds(said.length);
    const predictions = said.map((answer, row) => ({ id: ids[row] ?? "", ...answer }));
    for (const [row, { warnings: _, ...prediction }] of predictions.entries())
      logged.push({ ...prediction, key, request: rows[row] ?? {} });
    answers[index] = { version: serving.version, predictions };
  }
  if (logged.length > 0) await log({ model, environment, version: serving.version, epoch, predictions: logged });
  return answers;
}

type Scored = Readied & { said: Answer[] };

/** Scores all requests at once; if that fails each by itself, so that one request's rows cannot take the others' answers away. */
async function scoreAll(
  version: LoadedVersion,
  ready: Readied[],
  into: { answers: (PredictionAnswer | Error)[]; logger: Logger },
): Promise<Scored[]> {
  if (ready.length === 0) return [];
  try {
    const { width, values, warningsOf } = await version.score(ready.flatMap(({ rows }) => rows));
    let from = 0;
    return ready.flatMap((one) => {
      const said = one.rows.flatMap((_, row) => {
        const answer = version.answerOf(values.subarray((from + row) * width, (from + row + 1) * width));
        if (answer === null) return [];
        const warnings = warningsOf(from + row);
        return [warnings.length === 0 ? answer : { ...answer, warnings }];
      });
      from += one.rows.length;
      if (said.length === one.rows.length) return [{ ...one, said }];
      into.answers[one.index] = new CountersignError(
        "internal",
        `${version.version} gave no sensible answer for a row of this request.`,
      );
      into.logger.error({ version: version.version }, "the model gave a value that is no answer");
      return [];
    });
  } catch (error) {
    const [only] = ready;
    if (isTooSlow(error)) for (const { index } of ready) into.answers[index] = error;
    else if (ready.length > 1) {
      const each = await Promise.all(ready.map((one) => scoreAll(version, [one], into)));
      return each.flat();
    }
    into.logger.error({ version: version.version, why: toldError(error) }, "features or scores failed for a request");
    if (only !== undefined && !isTooSlow(error))
      into.answers[only.index] =
        error instanceof CountersignError
          ? error
          : new CountersignError("internal", `${version.version} could not score these rows.`, { cause: error });
    return [];
  }
}

export function nothingServes({ model, environment, fault }: Pick<Slot, "model" | "environment" | "fault">): CountersignError {
  if (fault === null) return new CountersignError("no-champion", `No version of ${model} serves in ${environment}.`);
  return new CountersignError("unavailable", `${fault.version} is refused (${fault.code}) and nothing served before it.`, {
    extra: { retryAfterSeconds: 5 },
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** 128 random bits each, drawn for all at once: a draw costs the same for one as for a thousand. */
function predictionIds(count: number): string[] {
  const bits = randomBytes(16 * count);
  return Array.from({ length: count }, (_, index) => `prd_${bits.toString("base64url", 16 * index, 16 * (index + 1))}`);
}

function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new CountersignError("unavailable", "The prediction could not be computed and put on record in time.", {
            extra: { retryAfterSeconds: 2 },
          }),
        ),
      limitMs,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
