import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { ModelName } from "../domain/ids.ts";
import { CancelRequests } from "./cancel-requests.ts";
import { isRequest, LifecycleDesk } from "./lifecycle-desk.ts";
import { LifecycleState, type Carried } from "./lifecycle-state.ts";
import { carryOn } from "./lifecycle-work.ts";
import {
  gateClosedSignal,
  lifecycleCommandUpdate,
  lifecycleStateQuery,
  releaseEndedSignal,
  requestReleaseUpdate,
} from "./messages.ts";
import { record } from "./records.ts";
import { makeFindable } from "./search-attributes.ts";
import { survive } from "./survive.ts";

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
  const cancels = new CancelRequests();
  await CancellationScope.nonCancellable(() => live(input, cancels));
}

async function live(input: LifecycleInput, cancels: CancelRequests): Promise<void> {
  const carried = input.carried ? new LifecycleState(input.model, input.carried) : null;
  // What was carried may be old: a run that is reset to its beginning starts from it once more.
  const recalls = carried === null || patched("recall-in-every-run");
  let state: LifecycleState | null = recalls ? null : carried;
  const desk = new LifecycleDesk();
  setHandler(requestReleaseUpdate, async (command) => {
    if (!isRequest(command)) {
      desk.refuse(command);
      throw ApplicationFailure.nonRetryable(
        "This is no request for a release; it is on record and counts nothing.",
        "not-signed",
      );
    }
    // Only a lifecycle that has just been started has to recall first; it is the workflow's own state that is awaited.
    await condition(() => state !== null);
    return (state as LifecycleState).request(command);
  });
  setHandler(lifecycleCommandUpdate, (command) => desk.take(command));
  setHandler(releaseEndedSignal, (report) => desk.report(report?.release));
  setHandler(lifecycleStateQuery, () => ({
    model: input.model,
    active: state?.carried.active?.release ?? null,
    queued: state?.carried.queued?.release ?? null,
    nextNumber: state?.carried.nextNumber ?? 0,
  }));
  // Hints only: the database says how a review ended and which definition is in force.
  setHandler(gateClosedSignal, (hint) => {
    desk.breakGlass.hear(hint?.gate);
    desk.recall();
  });
  void desk.rollBackForever();
  void desk.breakGlass.runForever(input.model);

  const searchable = await record("Asks whether runs can be searched").searchAttributesReady();
  desk.breakGlass.searchable = searchable;
  makeFindable(searchable, { model: input.model, state: "active" });
  const recalled = state ?? (await recall(input.model, carried));
  recalled.promoteQueued();
  state = recalled;

  // Nothing is awaited between this look and the next run: what arrives later goes to the next run.
  const mayRunAnew = () => workflowInfo().historyLength >= longHistoryEvents && desk.idle && allHandlersFinished();
  while (recalled.work.length > 0 || !mayRunAnew()) {
    tell(recalled);
    await condition(() => desk.waiting || cancels.asked || recalled.work.length > 0 || mayRunAnew());
    if (cancels.asked) await cancels.refuse(`The life of ${input.model} ends when the model is retired; it goes on.`);
    await doNext(recalled, desk);
  }
  await continueAsNew<typeof lifecycle>({ model: input.model, carried: recalled.carried });
}

async function recall(model: ModelName, carried: LifecycleState | null): Promise<LifecycleState> {
  const found = await record("Recalls the model").recallModel({ model });
  const recalled = LifecycleState.recalled(model, found, carried?.carried);
  if (found.unsucceeded) recalled.succeed(found.unsucceeded);
  return recalled;
}

async function doNext(state: LifecycleState, desk: LifecycleDesk): Promise<void> {
  await survive(async () => {
    if (desk.takeRecall()) {
      const { definition } = await record("Reads the definition in force").recallModel({ model: state.model });
      state.carried.definition = definition;
    }
    const { definition, withdrawn } = await desk.carryOutNext(state.carried.queued?.release ?? null);
    if (definition) state.carried.definition = definition;
    if (withdrawn) state.clear(withdrawn);
  });
  const ended = desk.nextReport();
  if (ended) state.work.push({ kind: "ended", release: ended });
  const work = state.work.shift();
  if (!work) return;
  // What could be neither created nor started must not stand in the way of the next one.
  const failed = () => (work.kind === "create" || work.kind === "start" ? state.clear(work.release) : undefined);
  await survive(() => carryOn(state, work), failed);
}

function tell({ model, carried: { active, queued } }: LifecycleState): void {
  const next = queued ? ` ${queued.release} runs next.` : "";
  setCurrentDetails(active ? `${active.release} is under way.${next}` : `Nothing runs for ${model}; waits for a request.`);
}
