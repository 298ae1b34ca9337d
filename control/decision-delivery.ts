import { setTimeout as sleep } from "node:timers/promises";
import { hasAnswer, type AttemptRow } from "../db/reads/attempt-facts.ts";
import { readPrincipalKind } from "../db/reads/people.ts";
import type { Refusal } from "../domain/attempt.ts";
import type { CountersignError } from "../domain/errors.ts";
import { decisionWords, type ReceiptKind } from "../domain/gate.ts";
import type { ReceiptView } from "../domain/http/gate-views.ts";
import { workflowIds } from "../domain/ids.ts";
import type { DecisionCommand } from "../domain/signed-command.ts";
import { decideUpdate, type GateReply } from "../workflows/messages.ts";
import type { Outcome } from "./answer.ts";
import { deliver, type Delivery } from "./delivery.ts";
import type { ControlContext } from "./deps.ts";
import { isCrowded, unavailable } from "./faults.ts";
import { askWatch } from "./watch.ts";
import { attemptOf, outcomeOf, readFacts, receiptOf, refusalOf, refuse, type Attempt } from "./receipts.ts";

/** Between two looks whether the decision's record is there. As a rule it is when the gate accepts it. */
const lookEveryMs = 20;
/** A look of the watch that found nothing is asked for again. */
const askWatchEveryMs = 3_000;
/** A gate whose workflow is just being started answers within moments. */
const startingPauseMs = 150;

interface InHand {
  command: DecisionCommand;
  attempt: Attempt;
  /** Milliseconds since the epoch. */
  deadline: number;
  onAccepted?: (() => void) | undefined;
  /** When the watch was asked to look at the gate, whose workflow does not run; milliseconds since the epoch. */
  watchAskedAt?: number;
}

/**
 * Brings a signed decision to its gate and finds out what became of it. Safe to do again at any
 * time: the workflow counts the command once, and the database has at most one row of it.
 * Throws `unavailable` only where the decision surely did not arrive.
 */
export async function finishDecision(
  context: ControlContext,
  command: DecisionCommand,
  { deadline = Date.now() + context.limits.knownWithinMs, fresh = null }: { deadline?: number; fresh?: Fresh | null } = {},
): Promise<Outcome<ReceiptView>> {
  const kind = fresh?.kind ?? (await readPrincipalKind(context.db, command.principal));
  const inHand = {
    command,
    attempt: attemptOf(command, kind),
    deadline,
    onAccepted: fresh?.onAccepted,
  };
  const before = fresh?.row ?? (await readFacts(context, inHand.attempt));
  const known = fresh ? null : await onRecord(context, inHand, before);
  if (known) return known;
  const { gate } = command.body;
  const entered = await context.admission.enter(gate, inHand.deadline, async (waited) => {
    // While it waited for its turn the gate may have been closed by those before it. The refusal is
    // written after the turn: of those who wait, only the few that go on to the workflow need one.
    const refused = waited || !fresh ? await refusedNow(context, inHand.attempt) : null;
    if (refused?.row.state === "closed") context.admission.letAll(gate);
    return refused ?? (await bring(context, inHand));
  });
  if (entered !== null && !("refusal" in entered)) return entered;
  const refused = entered ?? (await refusedNow(context, inHand.attempt));
  if (refused) return refuse(context, { attempt: inHand.attempt, ...refused });
  throw tooMany();
}

export function tooMany(): CountersignError {
  return unavailable("Too many decide on this gate at once; yours was not taken. Try again with the same Idempotency-Key.");
}

/** What the door has just read and found nothing against, of a command that was never sent before. */
export interface Fresh {
  kind: Attempt["by"]["kind"];
  row: AttemptRow;
  onAccepted?: (() => void) | undefined;
}

/** What the database says against it at this moment. */
async function refusedNow(context: ControlContext, attempt: Attempt): Promise<{ row: AttemptRow; refusal: Refusal } | null> {
  const row = await readFacts(context, attempt);
  const refusal = refusalOf(attempt, row);
  return refusal && { row, refusal };
}

async function bring(context: ControlContext, inHand: InHand): Promise<Outcome<ReceiptView>> {
  const { command, deadline } = inHand;
  const to = { workflowId: workflowIds.gate(command.body.gate) };
  for (;;) {
    const delivery = await deliver(context, { to, update: decideUpdate, command, deadline });
    const outcome = await outcomeOfDelivery(context, inHand, delivery);
    if (outcome) return outcome;
    await sleep(startingPauseMs);
  }
}

/** Null: the gate is open but its workflow is not there yet, and there is time to try again. */
async function outcomeOfDelivery(
  context: ControlContext,
  inHand: InHand,
  delivery: Delivery<GateReply>,
): Promise<Outcome<ReceiptView> | null> {
  switch (delivery.kind) {
    case "accepted":
      inHand.onAccepted?.();
      return recorded(context, inHand);
    case "refused":
      return refusedByGate(context, inHand, delivery);
    case "gone":
      return lookAgain(context, inHand);
    case "unknown":
      return pending(inHand);
    case "unreached":
      throw unavailable(
        `Temporal cannot be reached, so nothing was decided (${delivery.why}). Try again with the same Idempotency-Key.`,
      );
  }
}

/**
 * Once accepted the decision is durable. Its record says whether it counted: of several that arrive at
 * once only the first may. With the database away that cannot be asked, and the acceptance is the answer; with one
 * that is busy it is asked until the time is over.
 */
async function recorded(context: ControlContext, inHand: InHand): Promise<Outcome<ReceiptView>> {
  const until = Math.min(Date.now() + context.limits.recordedWithinMs, inHand.deadline);
  const { attempt } = inHand;
  let isReached = false;
  for (; Date.now() < (isReached ? inHand.deadline : until); await sleep(lookEveryMs)) {
    const isThere = await hasAnswer(context.db, attempt.gate, inHand.command.id).catch((error: unknown) =>
      isCrowded(error) ? false : null,
    );
    isReached ||= isThere !== null;
    const row = isThere ? await readFacts(context, attempt).catch(() => null) : null;
    const known = row && (await onRecord(context, inHand, row));
    if (known) return known;
  }
  const message = `Your ${decisionWords[attempt.decision].noun} was accepted and is durable; it is being put on record.`;
  if (isReached) return pending(inHand, `${message} Ask under the link whether it counted.`);
  return outcomeOf({
    receipt: "accepted",
    message,
    decision: attempt.decision,
    by: attempt.by.id,
    at: attempt.at,
    gate: { id: attempt.gate, state: "open", resolution: null },
    missing: [],
  });
}

/** What the database says of this very command, or of a gate that closed without it; null while it says nothing. */
async function onRecord(context: ControlContext, inHand: InHand, row: AttemptRow): Promise<Outcome<ReceiptView> | null> {
  const { command, attempt } = inHand;
  const own = row.votes.find((vote) => vote.command === command.id);
  if (own?.counted) {
    // The time is that of the command that counted, which a later try under the same key did not change.
    const receipt = receiptOf({ ...attempt, at: own.at }, row, { receipt: "accepted", message: "" });
    return outcomeOf({ ...receipt, message: acceptedInWords(attempt, row, receipt.missing) });
  }
  if (!own && row.state !== "closed") return null;
  const refusal = refusalOf(attempt, row) ?? notCounted(own?.whyNot ?? null);
  return refuse(context, { attempt, row, refusal });
}

function acceptedInWords(attempt: Attempt, row: AttemptRow, missing: string[]): string {
  if (row.state === "closed")
    return `Your ${decisionWords[attempt.decision].noun} is on record; the gate is closed: ${row.resolution}.`;
  const rest = missing.length > 0 ? ` Still missing: ${missing.join(", ")}.` : "";
  return `Your ${decisionWords[attempt.decision].noun} is on record.${rest}`;
}

function notCounted(why: string | null): Refusal {
  return {
    receipt: "not-allowed",
    message:
      why === null ? "Your decision came after the gate was closed and changes nothing." : `Your decision does not count: ${why}`,
  };
}

/** `type`s with which the gate's validator refuses. */
const gateRefusals = ["stale", "already-voted", "duplicate", "already-decided", "invalid"] as const satisfies ReceiptKind[];

async function refusedByGate(
  context: ControlContext,
  inHand: InHand,
  refused: { type: string; message: string },
): Promise<Outcome<ReceiptView>> {
  const row = await readFacts(context, inHand.attempt);
  const known = await onRecord(context, inHand, row);
  if (known) return known;
  const receipt = gateRefusals.find((type) => type === refused.type);
  if (!receipt) throw new Error(`The gate refused a signed decision: ${refused.type} ${refused.message}`);
  const refusal = refusalOf(inHand.attempt, row) ?? { receipt, message: refused.message };
  return refuse(context, { attempt: inHand.attempt, row, refusal });
}

async function lookAgain(context: ControlContext, inHand: InHand): Promise<Outcome<ReceiptView> | null> {
  const row = await readFacts(context, inHand.attempt);
  // Closed by the watch that was asked: the request that follows is there within moments, and the answer names it.
  const hasTime = Date.now() + startingPauseMs < inHand.deadline;
  const isFollowed = row.resolution !== "superseded" || row.supersededBy !== null;
  if (inHand.watchAskedAt !== undefined && !isFollowed && hasTime) return null;
  const known = await onRecord(context, inHand, row);
  if (known) return known;
  if (row.state === "open" && Date.now() - (inHand.watchAskedAt ?? 0) > askWatchEveryMs) {
    inHand.watchAskedAt = Date.now();
    await askWatch(context, inHand.attempt.gate);
  }
  if (hasTime) return null;
  throw unavailable(
    "The gate's workflow ended in silence, so nothing was decided. The watch closes the request and it is asked again: look at the release for the new one.",
  );
}

const notKnown =
  "It is not known yet whether your decision arrived; it is delivered again by itself. Ask under the link what became of it.";

function pending({ command, attempt }: InHand, message = notKnown): Outcome<ReceiptView> {
  return {
    kind: "pending",
    value: { receipt: "pending", command: command.id, message, decision: attempt.decision, by: attempt.by.id, at: attempt.at },
  };
}
