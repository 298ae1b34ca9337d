import { activityInfo, ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { CountersignError, errorCodes } from "../domain/errors.ts";
import type { StageTools } from "../ml/stage-tools.ts";

const heartbeatMs = 2_000;
/** Failures travel in a workflow's history: a broken file may have thousands of faults, twenty tell enough. */
const faultsKept = 20;

/**
 * Turns plain work into an activity: it heartbeats with what is being done, is told of
 * cancellation by an AbortSignal, and fails only with an ApplicationFailure whose `type` is a code
 * of domain/errors.ts: for ever where the code says so, `transient` (retried by the policy of
 * the caller) for anything that nobody foresaw. The failure's details are `[{ faults, cure, extra }]`.
 */
export function runStage<Input, Result>(
  work: (input: Input, tools: StageTools) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const context = Context.current();
    let detail = `started ${activityInfo().activityType}`;
    const beat = setInterval(() => context.heartbeat(detail), heartbeatMs);
    const tools: StageTools = {
      signal: context.cancellationSignal,
      progress: (now) => {
        detail = now;
        context.heartbeat(now);
      },
    };
    try {
      return await work(input, tools);
    } catch (error) {
      throw failureOf(error, context.cancellationSignal);
    } finally {
      clearInterval(beat);
    }
  };
}

function failureOf(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof CancelledFailure ? signal.reason : new CancelledFailure("CANCELLED");
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof CountersignError) {
    const faults = error.faults.slice(0, faultsKept);
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: !errorCodes[error.code].retry,
      details: [{ faults, cure: error.cure, extra: error.extra }],
      cause: error,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return ApplicationFailure.create({
    message,
    type: "transient",
    nonRetryable: false,
    details: [{ faults: [], extra: {} }],
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
