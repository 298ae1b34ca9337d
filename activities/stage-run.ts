import { activityInfo, ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { CountersignError, errorCodes } from "../domain/errors.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import { framesOf } from "../ml/told-error.ts";
import { toldError } from "./told-error.ts";

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

/** The error itself stays here: its message, and those of its causes, would travel with the failure. */
function failureOf(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof CancelledFailure ? signal.reason : new CancelledFailure("CANCELLED");
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const known = error instanceof CountersignError ? error : null;
  const failure = ApplicationFailure.create({
    message: toldError(error),
    type: known?.code ?? "transient",
    nonRetryable: known !== null && !errorCodes[known.code].retry,
    details: [
      {
        faults: known?.faults.slice(0, faultsKept) ?? [],
        ...(known?.cure === undefined ? {} : { cure: known.cure }),
        extra: known?.extra ?? {},
      },
    ],
  });
  failure.stack = framesOf(error);
  return failure;
}
