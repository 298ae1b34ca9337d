import { setTimeout as sleep } from "node:timers/promises";
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, type WorkflowHandle } from "@temporalio/client";
import { ActivityFailure, ApplicationFailure } from "@temporalio/common";
import { digestOfJson } from "../domain/digest.ts";
import { CountersignError, type ErrorCode, errorCodes, type Fault } from "../domain/errors.ts";
import { type SuggestionView, suggestionRequestSchema } from "../domain/http/contract-suggestion.ts";
import type { Digest } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { requireScope, roleRefusal } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

const runsFor = "2 minutes";
const askedAnewMs = 10 * 60_000;
const stillLooking = Symbol("still looking");

/**
 * A contract proposed from data, for engineers. A worker reads the sources, as it does for a release: the
 * server itself never touches data. Throws `invalid`, `forbidden`, `source-missing`, `source-unreadable`, `unavailable`.
 */
export async function suggestContract(context: ControlContext, caller: Caller, sent: unknown): Promise<SuggestionView> {
  requireScope(caller, "release");
  const refusal = roleRefusal(caller.principal, "release");
  if (refusal) throw refusal;
  const { id, rows, sources } = checkBody(suggestionRequestSchema, sent);
  if (!Object.hasOwn(sources, rows))
    throw new CountersignError("invalid", `rows names ${rows}, which is no source.`, {
      faults: [{ path: "rows", message: `names ${rows}, which is no source` }],
    });
  const request = { id, data: { rows, sources } };
  // The same question within ten minutes is the same run: whoever was told to wait asks again and gets its answer.
  const bucket = Math.floor(context.clock().getTime() / askedAnewMs);
  const workflowId = `contract-suggestion/${digestOfJson([caller.principal.id, request]).slice(7, 23)}-${bucket}`;
  try {
    const handle = await started(context, workflowId, request);
    const answer: unknown = await Promise.race([
      handle.result(),
      sleep(context.limits.knownWithinMs, stillLooking, { ref: false }),
    ]);
    if (answer === stillLooking) throw new CountersignError("unavailable", "A worker still looks at the data; ask again.");
    // What activities/suggest-contract.ts returns; a run of before an upgrade gave the contract itself.
    const found = answer as { suggestion: Digest } | SuggestionView;
    return "contract" in found ? found : await context.store.getJson<SuggestionView>(found.suggestion);
  } catch (error) {
    throw asRefusal(error);
  }
}

async function started(context: ControlContext, workflowId: string, request: object): Promise<WorkflowHandle> {
  try {
    // By name: control knows of workflows only their messages.
    return await context.temporal.workflow.start("suggestContract", {
      taskQueue: "lifecycle",
      workflowId,
      workflowIdReusePolicy: "ALLOW_DUPLICATE_FAILED_ONLY",
      args: [request],
      workflowExecutionTimeout: runsFor,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return context.temporal.workflow.getHandle(workflowId);
  }
}

function asRefusal(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  const failed = error instanceof WorkflowFailedError && error.cause instanceof ActivityFailure ? error.cause.cause : null;
  if (failed instanceof ApplicationFailure && isCode(failed.type)) {
    // The shape that activities/stage-run.ts writes.
    const [detail] = (failed.details ?? []) as { faults?: Fault[]; cure?: string }[];
    const code = failed.type === "transient" ? "unavailable" : failed.type;
    return new CountersignError(code, failed.message, {
      faults: detail?.faults ?? [],
      cause: error,
      ...(detail?.cure === undefined ? {} : { cure: detail.cure }),
    });
  }
  return new CountersignError("unavailable", "No worker looked at the data within two minutes.", { cause: error });
}

function isCode(type: string | null | undefined): type is ErrorCode {
  return typeof type === "string" && Object.hasOwn(errorCodes, type);
}
