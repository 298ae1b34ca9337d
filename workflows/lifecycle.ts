import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from "@temporalio/workflow";
import { workflowIds, type ModelName, type ReleaseId } from "../domain/ids.ts";
import { LifecycleState, type Carried, type Work } from "./lifecycle-state.ts";
import {
  lifecycleCommandUpdate,
  lifecycleStateQuery,
  releaseEndedSignal,
  requestReleaseUpdate,
  type LifecycleCommand,
} from "./messages.ts";
import { record } from "./records.ts";
import { release as releaseWorkflow } from "./release.ts";
import { makeFindable } from "./search-attributes.ts";

export interface LifecycleInput {
  model: ModelName;
  /** Null in the first run, and when a terminated lifecycle is started again: the database is asked. */
  carried?: Carried | null;
}

/** Replay costs 2.5 to 4 ms a task; well below the server's own suggestion at 4,096 events. */
const longHistoryEvents = 1500;

/**
 * A model's life, as long as the model lives. `model/<name>`:
 *
 *   recalling ──> idle ──request──> active release ──ended──> idle, or the queued release, or a successor
 *                   └ apply, pause, resume, retire, roll back: at any time, beside a release that runs
 *
 * It decides what runs next; what is and was stands in the database. Rollbacks have a loop of
 * their own, so that nothing that waits can hold one up.
 */
export async function lifecycle(input: LifecycleInput): Promise<void> {
  let state: LifecycleState | null = input.carried ? new LifecycleState(input.model, input.carried) : null;
  const commands: LifecycleCommand[] = [];
  const rollbacks: LifecycleCommand[] = [];
  const reported: ReleaseId[] = [];

  setHandler(requestReleaseUpdate, async (command) => {
    // Only a lifecycle that has just been started has to recall first; it is the workflow's own state that is awaited.
    await condition(() => state !== null);
    return (state as LifecycleState).request(command);
  });
  setHandler(lifecycleCommandUpdate, (command) => {
    (command?.body?.kind === "rollback" ? rollbacks : commands).push(command);
    return { accepted: true };
  });
  setHandler(releaseEndedSignal, (report) => void (typeof report?.release === "string" && reported.push(report.release)));
  setHandler(lifecycleStateQuery, () => ({
    model: input.model,
    active: state?.carried.active?.release ?? null,
    queued: state?.carried.queued?.release ?? null,
    nextNumber: state?.carried.nextNumber ?? 0,
  }));

  let busy = 0;
  const rollBackLoop = async (): Promise<never> => {
    for (;;) {
      await condition(() => rollbacks.length > 0);
      busy++;
      await carryOut(rollbacks.shift());
      busy--;
    }
  };
  void rollBackLoop();

  const searchable = await record("Asks whether runs can be searched").searchAttributesReady();
  makeFindable(searchable, { model: input.model, state: "active" });
  const recalled =
    state ?? LifecycleState.recalled(input.model, await record("Recalls the model").recallModel({ model: input.model }));
  recalled.promoteQueued();
  state = recalled;

  const idle = () => commands.length + rollbacks.length + reported.length + recalled.work.length + busy === 0;
  while (workflowInfo().historyLength < longHistoryEvents || !idle()) {
    tell(recalled);
    await condition(() => !idle());
    const command = commands.shift();
    if (command) await change(recalled, command);
    const ended = reported.shift();
    if (ended) recalled.work.push({ kind: "ended", release: ended });
    const work = recalled.work.shift();
    if (work) await carryOn(recalled, work);
    if (busy > 0) await condition(() => busy === 0);
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof lifecycle>({ model: input.model, carried: recalled.carried });
}

function tell({ model, carried: { active, queued } }: LifecycleState): void {
  const next = queued ? ` ${queued.release} runs next.` : "";
  setCurrentDetails(active ? `${active.release} is under way.${next}` : `Nothing runs for ${model}; waits for a request.`);
}

async function change(state: LifecycleState, command: LifecycleCommand): Promise<void> {
  const definition = await carryOut(command);
  if (definition) state.carried.definition = definition;
}

/** Every one of these verifies the command's token and writes its own answer for control to read. */
async function carryOut(command: LifecycleCommand | undefined) {
  const kind = command?.body?.kind;
  const who = command?.principal ?? "unknown";
  if (!command || !kind) {
    await record("Puts a refused message on record").refuseMessage({
      workflow: workflowInfo().workflowId,
      message: "update",
      claimed: JSON.stringify(command ?? null).slice(0, 500),
      why: "It is no command that a model takes.",
    });
    return null;
  }
  switch (kind) {
    case "apply-definition": {
      const answer = await record(`Verifies and applies the definition of ${who}`).applyDefinition({
        ...command,
        body: command.body as Extract<typeof command.body, { kind: "apply-definition" }>,
      });
      return answer.ok ? answer.definition : null;
    }
    case "rollback":
      await record(`Verifies the rollback of ${who} and moves the slot`).rollBack({
        ...command,
        body: command.body as Extract<typeof command.body, { kind: "rollback" }>,
      });
      return null;
    default:
      await record(`Verifies the ${kind} of ${who}`).changeModelState({
        ...command,
        body: command.body as Extract<typeof command.body, { kind: "pause" | "resume" | "retire" }>,
      });
      return null;
  }
}

async function carryOn(state: LifecycleState, work: Work): Promise<void> {
  switch (work.kind) {
    case "create": {
      const created = await record(`Creates ${work.release}`).createRelease({
        model: state.model,
        release: work.release,
        number: numberOf(work.release),
        ...work.startedBy,
      });
      if (!created.ok) return state.clear(work.release);
      if (work.startNow) await start(state, work.release);
      return;
    }
    case "fold":
      await record(`Folds a request into ${work.release}`).foldRequest({
        command: work.command,
        release: work.release,
      });
      return;
    case "start":
      return start(state, work.release);
    case "ended":
      return lookWhetherEnded(state, work.release);
  }
}

function numberOf(release: ReleaseId): number {
  return Number(release.slice(release.lastIndexOf(".") + 1));
}

async function start(state: LifecycleState, release: ReleaseId): Promise<void> {
  try {
    await startChild(releaseWorkflow, {
      workflowId: workflowIds.release(release),
      args: [{ release, model: state.model }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `Release ${release}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const workflow = workflowIds.release(release);
    await record("Puts a taken id on record").refuseMessage({
      workflow,
      message: "start",
      claimed: workflow,
      why: "This workflow id was taken by somebody else's workflow.",
    });
    const summary = `The workflow id ${workflow} was taken by a workflow that Countersign did not start. Request the release again: it gets another number.`;
    await record("Ends the release that could not start").endRelease({
      release,
      outcome: "abandoned",
      next: null,
      summary,
    });
    state.clear(release);
  }
}

/** A release says that it ended; its row says whether it did, and whether reviewers want a successor. */
async function lookWhetherEnded(state: LifecycleState, release: ReleaseId): Promise<void> {
  const row = await record(`Reads how ${release.slice(0, 80)} ended`).readRelease({ release });
  if (row?.state !== "ended") {
    await record("Puts a false report on record").refuseMessage({
      workflow: workflowInfo().workflowId,
      message: "releaseEnded",
      claimed: release.slice(0, 200),
      why: row ? "The release has not ended." : "There is no such release.",
    });
    return;
  }
  const wasActive = state.carried.active?.release === release;
  if (wasActive && row.outcome === "changes-requested" && row.changes) {
    state.carried.active = null;
    state.succeed({ release, gate: row.changes });
    return;
  }
  state.clear(release);
}
