import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { reasonRequired, resolve, type Resolution } from "../domain/gate.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { DecisionCommand } from "../domain/signed-command.ts";
import {
  decideSignal,
  decideUpdate,
  gateClosedSignal,
  gateStateQuery,
  lookSignal,
  type GateRefusalType,
  type GateReply,
} from "./messages.ts";
import { record } from "./records.ts";
import { refuseMessage } from "./refusal.ts";
import { makeFindable } from "./search-attributes.ts";

export interface GateInput {
  gate: GateId;
  /** Of the frozen request, so that a decision in the very moment of opening can be checked. */
  digest: Digest;
  searchable: boolean;
}

/** Enough for any quorum; the server takes 2,000 updates a run. */
const mostVotes = 500;
/** Messages without a token that are put on record one by one; what comes after is refused without a trace. */
const mostRefused = 20;

/**
 * One request. `gate/<id>`:
 *
 *   opening ── openGate ──> open ── a decision arrives ──> verifying ── closeGate ──> closed
 *                            ^                                 │
 *                            └──── nothing counted, or ────────┘
 *                                  the quorum is not reached
 *
 * A decision is durable once its update is accepted here; that it counts, and what follows, is
 * decided by the one transaction of closeGate, and the workflow obeys that answer. Handlers are
 * synchronous, so that an outage of the database holds up no acceptance.
 */
export async function gate(input: GateInput): Promise<{ gate: GateId; resolution: Resolution | null }> {
  const box = new DecisionBox(input);
  setHandler(decideUpdate, (command) => box.accept(command), {
    validator: (command: DecisionCommand) => box.check(command),
  });
  setHandler(decideSignal, (command) => box.acceptSignal(command));
  setHandler(lookSignal, () => void (box.look = true));
  setHandler(gateStateQuery, () => ({
    state: box.state,
    digest: input.digest,
    votes: box.votes.length,
    waitsFor: box.waitsFor,
  }));

  const opening = await record("Opens the request").openGate({
    gate: input.gate,
    runId: workflowInfo().runId,
  });
  if (opening.kind !== "open") return end(box, opening.kind === "closed" ? opening.resolution : null);

  const { request } = opening;
  box.open(request.deciders, request.ask);
  makeFindable(input.searchable, {
    gate: input.gate,
    state: "open",
    ...(request.model && { model: request.model }),
    ...(request.tier && { tier: request.tier }),
  });
  setCurrentDetails(`${box.waitsFor}\n\nThe request's digest is ${request.digest}.`);

  for (;;) {
    await condition(() => box.unverified > 0 || box.refused.length > 0 || box.look);
    await box.recordRefused();
    const resolution = await settle(box);
    if (resolution !== null) {
      makeFindable(input.searchable, { state: "closed" });
      setCurrentDetails(`Closed: ${resolution}.`);
      return end(box, resolution);
    }
  }
}

/** The resolution that the database holds, or null while the gate goes on waiting. */
async function settle(box: DecisionBox): Promise<Resolution | null> {
  if (box.look) {
    box.look = false;
    const row = await record("Looks whether the request was closed").readGate({
      gate: box.input.gate,
    });
    if (row?.state === "closed") return row.resolution;
  }
  if (box.unverified === 0) return null;
  const commands = [...box.votes];
  box.unverified = 0;
  const closing = await record("Verifies the decisions and closes the gate").closeGate({
    gate: box.input.gate,
    commands,
  });
  if (closing.kind === "closed") return closing.resolution;
  box.drop(
    closing.dropped.map((one) => one.command),
    commands,
  );
  return null;
}

async function end(box: DecisionBox, resolution: Resolution | null) {
  box.state = "closed";
  await condition(allHandlersFinished);
  await tellParent(box.input.gate, resolution);
  return { gate: box.input.gate, resolution };
}

/** A hint: the release reads the row. A parent that is gone does not fail the gate. */
async function tellParent(gate: GateId, resolution: Resolution | null): Promise<void> {
  const parent = workflowInfo().parent;
  if (!parent || resolution === null) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId).signal(gateClosedSignal, {
      gate,
      resolution,
    });
  } catch {
    // The row stands; whoever starts the release again reads it there.
  }
}

function refuse(type: GateRefusalType | "not-signed", message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}

/** What has arrived, and what of it has been verified. */
class DecisionBox {
  readonly input: GateInput;
  state: "opening" | "open" | "closed" = "opening";
  waitsFor = "Opening the request.";
  look = false;
  /** In order of arrival. */
  votes: DecisionCommand[] = [];
  refused: { claimed: string; message: string }[] = [];
  /** How many votes arrived since closeGate last looked. */
  unverified = 0;
  private verified = new Set<string>();
  private refusedSoFar = 0;
  private quorum = 1;

  constructor(input: GateInput) {
    this.input = input;
  }

  open(deciders: { groups: string[]; quorum: number }, ask: string): void {
    this.quorum = deciders.quorum;
    this.state = "open";
    this.waitsFor = `${ask} Waits for ${deciders.quorum} approval${deciders.quorum === 1 ? "" : "s"} by ${deciders.groups.join(" or ")}.`;
  }

  /** Refuses without a trace in history what can only be a mistake; what has no token goes on to be put on record. */
  check(command: DecisionCommand): void {
    if (!isSigned(command)) {
      if (this.refusedSoFar >= mostRefused) throw refuse("invalid", "Too many messages without a token.");
      return;
    }
    if (this.state === "closed") throw refuse("already-decided", "The gate is closed.");
    if (command.body.gate !== this.input.gate) throw refuse("invalid", `This decision is for ${command.body.gate}.`);
    if (command.body.digest !== this.input.digest) throw refuse("stale", "The digest is not this request's.");
    if (reasonRequired[command.body.decision] && !command.body.reason?.trim()) throw refuse("invalid", "reason: say why.");
    const own = this.votes.find((vote) => vote.principal === command.principal && this.verified.has(vote.id));
    if (own)
      throw refuse(
        own.body.decision === command.body.decision ? "duplicate" : "already-voted",
        `Decided ${own.body.decision} already.`,
      );
    if (this.votes.length >= mostVotes) throw refuse("invalid", "This gate takes no further decisions.");
  }

  accept(command: DecisionCommand): GateReply {
    if (!isSigned(command)) {
      this.refuseUnsigned(command, "update");
      throw refuse("not-signed", "A decision needs Countersign's token; this message is on record and counts nothing.");
    }
    if (!this.votes.some((vote) => vote.id === command.id)) {
      this.votes.push(command);
      this.unverified++;
    }
    const votes = this.votes.map((vote) => ({
      command: vote.id,
      principal: vote.principal,
      decision: vote.body.decision,
      at: vote.at,
    }));
    return { accepted: true, missing: resolve(votes, { quorum: this.quorum }).missing };
  }

  /** The same door for clients that cannot send updates; a signal has no answer, so refusals go on record. */
  acceptSignal(command: DecisionCommand): void {
    if (!isSigned(command)) return this.refuseUnsigned(command, "signal");
    try {
      this.check(command);
    } catch (error) {
      this.remember({
        message: "signal",
        claimed: `${command.principal} ${command.body.decision}: ${error instanceof Error ? error.message : "refused"}`,
      });
      return;
    }
    this.accept(command);
  }

  /** What did not count makes room for another attempt by the same person; what did is remembered as verified. */
  drop(dropped: string[], looked: DecisionCommand[]): void {
    this.votes = this.votes.filter((vote) => !dropped.includes(vote.id));
    for (const command of looked) if (!dropped.includes(command.id)) this.verified.add(command.id);
  }

  async recordRefused(): Promise<void> {
    for (let next = this.refused.shift(); next; next = this.refused.shift()) {
      const why = "It carries no valid token of Countersign.";
      await refuseMessage({ ...next, why });
    }
  }

  private refuseUnsigned(command: unknown, message: string): void {
    this.remember({ message, claimed: JSON.stringify(command ?? null).slice(0, 500) });
  }

  private remember(refused: { claimed: string; message: string }): void {
    if (this.refusedSoFar++ < mostRefused) this.refused.push(refused);
  }
}

/** Has the form of a signed decision. Whether the signature is true, closeGate verifies. */
function isSigned(command: unknown): command is DecisionCommand {
  if (typeof command !== "object" || command === null) return false;
  const { id, principal, signature, body } = command as Partial<DecisionCommand>;
  return (
    typeof id === "string" &&
    typeof principal === "string" &&
    typeof signature === "string" &&
    typeof body === "object" &&
    body?.kind === "decide"
  );
}
