import { setTimeout as sleep } from "node:timers/promises";
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from "@temporalio/client";
import { ApplicationFailure, type UpdateDefinition } from "@temporalio/common";
import { workflowIds } from "../domain/ids.ts";
import { reproductionRunsForMs } from "../domain/reproduction.ts";
import type { SignedCommand } from "../domain/signed-command.ts";
import { workflowTypes } from "../workflows/messages.ts";
import type { ControlContext } from "./deps.ts";

/** What became of handing a command to its workflow. */
export type Delivery<Reply> =
  | { kind: "accepted"; reply: Reply }
  /** A validator or a handler refused; `type` is a code. */
  | { kind: "refused"; type: string; message: string }
  /** The workflow is closed, was never started, or closed with the update in it. */
  | { kind: "gone"; message: string }
  /** It may have arrived: nobody can say before the deadline. */
  | { kind: "unknown" }
  /** It surely did not arrive. */
  | { kind: "unreached"; why: string };

export interface Parcel<Reply, Command extends SignedCommand> {
  /** Where: a workflow that runs, a model's lifecycle, which is started when it does not run, or the proposal or reproduction that the command is. */
  to: { workflowId: string } | { model: string } | { proposal: string } | { reproduction: string };
  update: UpdateDefinition<Reply, [Command]>;
  command: Command;
  /** Milliseconds since the epoch. */
  deadline: number;
}

const firstPauseMs = 50;
const longestPauseMs = 800;

/**
 * One update under the command's id, sent again until somebody answers or the deadline comes: the
 * same id counts once, however often it arrives. Never throws for what the network or the server does.
 */
export async function deliver<Reply, Command extends SignedCommand>(
  context: ControlContext,
  parcel: Parcel<Reply, Command>,
): Promise<Delivery<Reply>> {
  const reachedBy = Date.now() + context.limits.reachedWithinMs;
  let maybeArrived = false;
  let why = "Temporal does not answer.";
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return { kind: "accepted", reply: await send(context, parcel) };
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind === "refused" || fault.kind === "gone") return fault;
      if (fault.kind === "broken") throw error;
      if (fault.kind === "maybe") maybeArrived = true;
      why = fault.message;
      // Where nothing listens, waiting the whole time helps nobody; where it is busy, it does.
      const until = fault.kind === "unreached" && !maybeArrived ? Math.min(reachedBy, parcel.deadline) : parcel.deadline;
      if (Date.now() + pauseMs >= until) return maybeArrived ? { kind: "unknown" } : { kind: "unreached", why };
      await sleep(pauseMs * (0.75 + Math.random() / 2));
    }
  }
}

function send<Reply, Command extends SignedCommand>(context: ControlContext, parcel: Parcel<Reply, Command>): Promise<Reply> {
  const { to, update, command, deadline } = parcel;
  const { temporal } = context;
  const options = { updateId: command.id, args: [command] as [Command] };
  return temporal.withDeadline(deadline, () => {
    if ("workflowId" in to) return temporal.workflow.getHandle(to.workflowId).executeUpdate(update, options);
    if ("proposal" in to || "reproduction" in to) {
      const startWorkflowOperation = new WithStartWorkflowOperation(
        "proposal" in to ? workflowTypes.proposal : workflowTypes.reproduction,
        {
          workflowId: "proposal" in to ? workflowIds.proposal(to.proposal) : workflowIds.reproduction(to.reproduction),
          taskQueue: "lifecycle",
          workflowIdConflictPolicy: "USE_EXISTING",
          // One that has ended did what was asked; its record is read.
          workflowIdReusePolicy: "REJECT_DUPLICATE",
          args: [],
          ...("proposal" in to
            ? { staticSummary: "A new version of a policy" }
            : { staticSummary: "A version trained a second time", workflowExecutionTimeout: reproductionRunsForMs }),
        },
      );
      return temporal.workflow.executeUpdateWithStart(update, { ...options, startWorkflowOperation });
    }
    // A lifecycle is an entity: whether it runs or was terminated, there is one, and it recalls itself from the database.
    const startWorkflowOperation = new WithStartWorkflowOperation(workflowTypes.lifecycle, {
      workflowId: workflowIds.lifecycle(to.model),
      taskQueue: "lifecycle",
      workflowIdConflictPolicy: "USE_EXISTING",
      args: [{ model: to.model }],
      staticSummary: `The life of ${to.model}`,
    });
    return temporal.workflow.executeUpdateWithStart(update, { ...options, startWorkflowOperation });
  });
}

type Fault =
  | { kind: "refused"; type: string; message: string }
  | { kind: "gone"; message: string }
  | { kind: "maybe" | "unreached" | "busy" | "broken"; message: string };

const grpc = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;
const brokenCodes: number[] = [grpc.invalidArgument, grpc.permissionDenied, grpc.unimplemented, grpc.unauthenticated];
/** The words of a workflow that closes or has closed with an update on its way. */
const goneWords = /aborted by closing workflow|already completed|AcceptedUpdateCompletedWorkflow|workflow not found/i;
/** The call never left: there was no connection to send it on. */
const neverSentWords = /No connection established|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|Name resolution failed/i;

function faultOf(error: unknown): Fault {
  if (error instanceof WorkflowUpdateFailedError) return refusalOf(error);
  if (error instanceof WorkflowExecutionAlreadyStartedError) return { kind: "gone", message: error.message };
  if (error instanceof WorkflowNotFoundError) return { kind: "gone", message: error.message };
  const { code, details } = grpcStatus(error);
  const message = details || (error instanceof Error ? error.message : String(error));
  if (code === grpc.notFound || goneWords.test(message)) return { kind: "gone", message };
  if (code === grpc.resourceExhausted) return { kind: "busy", message };
  if (neverSentWords.test(message)) return { kind: "unreached", message };
  if (code === null && !(error instanceof Error && error.name.startsWith("WorkflowUpdateRPC")))
    return { kind: "broken", message };
  if (code !== null && brokenCodes.includes(code)) return { kind: "broken", message };
  return { kind: "maybe", message };
}

function refusalOf(error: WorkflowUpdateFailedError): Fault {
  const cause = error.cause;
  const message = cause?.message ?? error.message;
  const type = cause instanceof ApplicationFailure ? (cause.type ?? "") : "";
  if (goneWords.test(type) || goneWords.test(message)) return { kind: "gone", message };
  return { kind: "refused", type, message };
}

/** The gRPC status in an error or in what caused it; `code` null where there is none. */
function grpcStatus(error: unknown): { code: number | null; details: string } {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "number")
      return { code: at.code, details: "details" in at && typeof at.details === "string" ? at.details : "" };
  }
  return { code: null, details: "" };
}
