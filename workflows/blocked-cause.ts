import { ActivityFailure, ApplicationFailure, ServerFailure, TerminatedFailure, TimeoutFailure } from "@temporalio/common";
import { errorCodes, type ErrorCode, type Fault } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { BlockedCause } from "../domain/lifecycle.ts";
import type { Stage } from "../domain/stages.ts";

/** What the stage activities put into the details of their failures. */
interface FailureDetails {
  faults?: Fault[];
  /** Absent in histories of earlier versions of the product. */
  cure?: string;
  extra?: { logTail?: string; log?: Digest };
}

/** The failure of a stage in words, for the release that it blocks. */
export function blockedCause(stage: Stage, error: unknown, skippable: boolean): { cause: BlockedCause; log: Digest | null } {
  const root = error instanceof ActivityFailure ? error.cause : error;
  const { faults = [], cure, extra = {} } = detailsOf(root);
  const code = codeOf(root);
  return {
    cause: {
      stage,
      code,
      message: sentence(stage, root),
      cure: cure ?? cureOf(code),
      faults,
      logTail: extra.logTail ?? null,
      skippable,
    },
    log: extra.log ?? null,
  };
}

function codeOf(error: unknown): string {
  return error instanceof ApplicationFailure && error.type ? error.type : "transient";
}

function isErrorCode(code: string): code is ErrorCode {
  return code in errorCodes;
}

function cureOf(code: string): string {
  return code !== "transient" && isErrorCode(code)
    ? errorCodes[code].cure
    : "Look at the last failure in the Temporal UI; retry when its cause is gone.";
}

function sentence(stage: Stage, error: unknown): string {
  if (error instanceof TimeoutFailure) {
    return error.timeoutType === "HEARTBEAT"
      ? `The worker that did ${stage} died or hung again and again; four tries were made.`
      : `${stage} did not end within its time (${error.timeoutType}).`;
  }
  if (error instanceof TerminatedFailure || error instanceof ServerFailure) return `Temporal ended ${stage}: ${error.message}.`;
  return error instanceof Error ? error.message : `${stage} failed.`;
}

function detailsOf(error: unknown): FailureDetails {
  if (!(error instanceof ApplicationFailure)) return {};
  const first: unknown = error.details?.[0];
  // The shape is that of stage-run.ts; anything else only loses its details.
  return typeof first === "object" && first !== null ? first : {};
}
