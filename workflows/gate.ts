import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
  TemporalFailure,
  workflowInfo,
} from "@temporalio/workflow";
import type { GateClosing, GateOpening, RecordActivities } from "../activities/contract.ts";
import type { ExternalRequest } from "../domain/external-request.ts";
import type { GateOutcome, Resolution } from "../domain/gate.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { DecisionCommand, WithdrawalCommand } from "../domain/signed-command.ts";
import { CancelRequests } from "./cancel-requests.ts";
import { DecisionBox } from "./decision-box.ts";
import { GateAlarm } from "./gate-alarm.ts";
import { decideSignal, decideUpdate, gateClosedSignal, gateStateQuery, lookSignal, withdrawUpdate } from "./messages.ts";
import { record, recordAtOnce } from "./records.ts";
import { makeFindable } from "./search-attributes.ts";

const cancelLooksAfter = "2 seconds";
const firstAgainMs = 60_000;
const longestAgainMs = 3_600_000;

export interface GateInput {
  gate: GateId;
  /** Of the frozen request, so that a decision in the very moment of opening can be checked. */
  digest?: Digest;
  searchable?: boolean;
  /** Of a workflow that is none of the product's; the request is frozen from it, by a published policy. */
  external?: ExternalRequest;
}

/** What whoever started the gate gets. The row of the gate in the database is the proof; this says the same. */
export interface GateResult {
  gate: GateId;
  resolution: Resolution | null;
  outcome?: GateOutcome | null;
}

/**
 * One request. `gate/<id>`:
 *
 *   opening ── openGate ──> open ── a decision arrives ──> verifying ── closeGate ──> closed
 *                           ^  │                              │
 *                           │  │     nothing counted, or the quorum is not reached
 *                           ├──┼──────────────────────────────┘
 *                           │  ├── a moment of its timeline comes ── fallDue ──> reminded, escalated,
 *                           └──┘                                                  overdue, or closed
 *                              └── its evidence is out of date ── renewGate ──> closed: superseded
 *
 * A decision is durable once its update is accepted here; that it counts, and what follows, is
 * decided by the one transaction of closeGate, and the workflow obeys that answer. Handlers are
 * synchronous, so that an outage of the database holds up no acceptance.
 */
export async function gate(input: GateInput): Promise<GateResult> {
  const cancels = new CancelRequests();
  return CancellationScope.nonCancellable(() => pass(input, cancels));
}

async function pass(input: GateInput, cancels: CancelRequests): Promise<GateResult> {
  const box = new DecisionBox(input.gate, input.digest ?? null);
  setHandler(decideUpdate, (command) => box.accept(command), {
    validator: (command: DecisionCommand) => box.check(command),
  });
  setHandler(withdrawUpdate, (command) => box.takeBack(command), {
    validator: (command: WithdrawalCommand) => box.checkWithdrawal(command),
  });
  setHandler(decideSignal, (command) => box.acceptSignal(command));
  setHandler(lookSignal, () => void (box.look = true));
  setHandler(gateStateQuery, () => ({ state: box.state, digest: box.digest, votes: box.standing, waitsFor: box.waitsFor }));

  const { runId } = workflowInfo();
  const frozen = input.external ? await freeze(box, input.external, runId) : null;
  const opening = frozen ?? (await record("Opens the request").openGate({ gate: input.gate, runId }));
  if (opening.kind !== "open")
    return end(box, { resolution: opening.kind === "closed" ? opening.resolution : null, outcome: outcomeIn(opening) });

  const { request } = opening;
  const searchable = input.searchable ?? false;
  box.open(request, opening.request.undecidable ?? null);
  makeFindable(searchable, {
    gate: input.gate,
    state: "open",
    ...(request.model && { model: request.model }),
    ...(request.tier && { tier: request.tier }),
  });
  setCurrentDetails(`${box.waitsFor}\n\nThe request's digest is ${request.digest}.`);

  const alarm = new GateAlarm(request.timeline ?? []);
  for (;;) {
    await condition(() => box.busy || alarm.rang || cancels.asked);
    await box.recordRefused();
    const closed = (await settle(box)) ?? (await box.renewWhenStale()) ?? (await ring(box, alarm));
    if (closed) {
      alarm.stop();
      makeFindable(searchable, { state: "closed" });
      setCurrentDetails(`Closed: ${closed.resolution}.`);
      return end(box, closed);
    }
    if (cancels.asked) await answerCancel(box, cancels);
  }
}

/** A release that ends takes its gate along, which the row says within moments; else the request goes on waiting, and says so. */
async function answerCancel(box: DecisionBox, cancels: CancelRequests): Promise<void> {
  if (patched("cancel-is-refused")) {
    await sleep(cancelLooksAfter, { summary: "Lets a release that ends close its gate" });
    const row = await record("Looks whether the request was closed").readGate({ gate: box.gate });
    if (row?.state === "closed") {
      cancels.asked = false;
      box.look = true;
      return;
    }
  }
  const why = "A gate is closed by a decision, by its deadline or with its release; it goes on waiting.";
  await cancels.refuse(why);
  setCurrentDetails(`${box.waitsFor}\n\nSomebody asked Temporal to cancel it. ${why}`);
}

/**
 * Refused for good: the starter asked in a form that no retry mends. One activity freezes and opens, a third
 * less for the server to do; null in runs of earlier versions of the product, which open in a second one.
 */
async function freeze(box: DecisionBox, external: ExternalRequest, runId: string): Promise<GateOpening | null> {
  const frozen = await record("Freezes the request by its policy").freezeExternalGate({ gate: box.gate, external, runId });
  if (!frozen.ok) throw ApplicationFailure.nonRetryable(frozen.message, frozen.code);
  box.digest = frozen.digest;
  return frozen.opening ?? null;
}

type Closed = { resolution: Resolution | null; outcome?: GateOutcome | null; told?: boolean };

/** How the database says the gate was closed, or null while it goes on waiting. */
async function settle(box: DecisionBox): Promise<Closed | null> {
  const seen = await box.lookAtRow();
  if (seen) return seen;
  const commands = box.takeUnverified();
  if (commands === null) return null;
  const asker = askingWorkflow();
  const closing = await close({ gate: box.gate, commands, ...(asker && { asker }) }).catch((error: unknown) =>
    waitAfter(error, box),
  );
  if (closing === null) return null;
  if (closing.kind === "closed") return closing;
  box.drop(
    closing.dropped.map((one) => one.command),
    commands,
  );
  return null;
}

/**
 * In the task that took the decision in, so that nobody waits for a second one; by a lasting activity where that
 * fails. Replayed, its failure comes bare, without the ActivityFailure around it (temporalio/sdk-rust, issue 436).
 */
async function close(input: Parameters<RecordActivities["closeGate"]>[0]): Promise<GateClosing> {
  if (patched("close-at-once"))
    try {
      return await recordAtOnce.closeGate(input);
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error;
    }
  return record("Verifies the decisions and closes the gate").closeGate(input);
}

/** What the database refuses for good (a broken constraint) ends no gate: it says so, and looks again later. */
async function waitAfter(error: unknown, box: DecisionBox): Promise<null> {
  if (!(error instanceof ActivityFailure) || !patched("failed-closing-waits")) throw error;
  const why = error.cause?.message ?? error.message;
  const again = Math.min(firstAgainMs * 2 ** box.failures, longestAgainMs);
  setCurrentDetails(
    `${box.waitsFor}\n\nIts decisions could not be put on record: ${why} It is tried again in ${Math.round(again / 60_000)} min.`,
  );
  log.error(`The decisions of ${box.gate} could not be put on record: ${why}`);
  await condition(() => box.busy, again, { summary: "Waits before the decisions are put on record again" });
  box.tryAgain();
  return null;
}

async function ring(box: DecisionBox, alarm: GateAlarm): Promise<Closed | null> {
  const due = alarm.takeRung();
  if (due === null) return null;
  const closing = await record(alarm.inWords(due)).fallDue({ gate: box.gate, due });
  return closing.kind === "closed" ? closing : null;
}

function outcomeIn(opening: { kind: string; outcome?: GateOutcome | null }): GateOutcome | null {
  return opening.outcome ?? null;
}

async function end(box: DecisionBox, closed: Closed): Promise<GateResult> {
  box.state = "closed";
  await condition(allHandlersFinished);
  if (!closed.told) await tellAsker(box.gate, closed.resolution);
  return { gate: box.gate, resolution: closed.resolution, outcome: closed.outcome ?? null };
}

/** Of the product's own workflows, which take a hint and read the row. Other people's get the result of their child. */
function askingWorkflow(): string | null {
  const parent = workflowInfo().parent?.workflowId;
  return parent !== undefined && /^(?:release|model|proposal)\//.test(parent) ? parent : null;
}

/** What closeGate could not tell, or what time closed. An asker that is gone does not fail the gate. */
async function tellAsker(gate: GateId, resolution: Resolution | null): Promise<void> {
  const asker = askingWorkflow();
  if (asker === null || resolution === null) return;
  try {
    await getExternalWorkflowHandle(asker).signal(gateClosedSignal, { gate, resolution });
  } catch {
    // The row stands; whoever starts the asker again reads it there.
  }
}
