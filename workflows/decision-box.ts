import { ApplicationFailure } from "@temporalio/workflow";
import type { GateClosing, GateOpening } from "../activities/contract.ts";
import { reasonRequired, type GateOutcome, type GateState, type Resolution } from "../domain/gate.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { Deciders } from "../domain/policy.ts";
import { quorumInWords, resolve } from "../domain/quorum.ts";
import type { DecisionCommand, WithdrawalCommand } from "../domain/signed-command.ts";
import type { GateRefusalType, GateReply } from "./messages.ts";
import { record } from "./records.ts";
import { refuseMessage } from "./refusal.ts";

/** Enough for any quorum; the server takes 2,000 updates a run. */
const mostVotes = 500;
/** Messages without a token that are put on record one by one; what comes after is refused without a trace. */
const mostRefused = 20;

/** What has arrived at a gate, and what of it has been verified. */
export class DecisionBox {
  readonly gate: GateId;
  /** Of the frozen request; null until an external one is frozen. */
  digest: Digest | null;
  state: GateState = "opening";
  waitsFor = "Opening the request.";
  /** Somebody asked to look at the row again. */
  look = false;
  /** How often the closing failed for good. */
  failures = 0;
  /** In order of arrival; those that were found not to count are taken out. */
  private votes: DecisionCommand[] = [];
  private withdrawals: WithdrawalCommand[] = [];
  /** Whose votes are being taken back: the database may have done so before the workflow hears of it. */
  private leaving = new Set<string>();
  private unverified = 0;
  private verified = new Set<string>();
  private stale = false;
  private refused: { claimed: string; message: string }[] = [];
  private refusedSoFar = 0;
  private takenSoFar = 0;
  private deciders: Deciders = { groups: [], quorum: 1 };

  constructor(gate: GateId, digest: Digest | null) {
    this.gate = gate;
    this.digest = digest;
  }

  open(request: Extract<GateOpening, { kind: "open" }>["request"], undecidable: string | null): void {
    this.deciders = request.deciders;
    this.state = "open";
    this.waitsFor = `${request.ask} Waits for ${quorumInWords(request.deciders)}.${undecidable === null ? "" : ` ${undecidable}`}`;
  }

  get busy(): boolean {
    return this.unverified > 0 || this.refused.length > 0 || this.look;
  }

  get standing(): number {
    return this.votes.length;
  }

  /** Refuses without a trace in history what can only be a mistake; what has no token goes on to be put on record. */
  check(command: DecisionCommand): void {
    if (!isSigned(command, "decide")) return this.checkRoom();
    this.checkState(command.body.gate);
    const { decision, digest, reason } = command.body;
    // Until a foreign workflow's request is frozen the digest is not known here; closeGate compares it then.
    if (this.digest !== null && digest !== this.digest) throw refuse("stale", "The digest is not this request's.");
    if (reasonRequired[decision] && !reason?.trim()) throw refuse("invalid", "reason: say why.");
    const own = this.votes.find((vote) => vote.principal === command.principal && this.verified.has(vote.id));
    if (own && !this.leaving.has(command.principal) && decision !== "escalate" && own.body.decision !== "escalate")
      throw refuse(own.body.decision === decision ? "duplicate" : "already-voted", `Decided ${own.body.decision} already.`);
    if (this.takenSoFar >= mostVotes) throw refuse("invalid", "This gate takes no further decisions.");
  }

  checkWithdrawal(command: WithdrawalCommand): void {
    if (!isSigned(command, "withdraw-decision")) return this.checkRoom();
    this.checkState(command.body.gate);
    if (this.takenSoFar >= mostVotes) throw refuse("invalid", "This gate takes no further messages.");
  }

  accept(command: DecisionCommand): GateReply {
    if (!isSigned(command, "decide")) {
      this.refuseUnsigned(command, "update");
      throw refuse("not-signed", "A decision needs Countersign's token; this message is on record and counts nothing.");
    }
    if (!this.votes.some((vote) => vote.id === command.id)) {
      this.votes.push(command);
      this.takenSoFar++;
      this.unverified++;
    }
    return { accepted: true, missing: this.missing() };
  }

  takeBack(command: WithdrawalCommand): { accepted: true } {
    if (!isSigned(command, "withdraw-decision")) {
      this.refuseUnsigned(command, "update");
      throw refuse("not-signed", "Taking back needs Countersign's token; this message is on record and counts nothing.");
    }
    if (!this.withdrawals.some((one) => one.id === command.id)) {
      this.withdrawals.push(command);
      this.leaving.add(command.principal);
      this.takenSoFar++;
      this.unverified++;
    }
    return { accepted: true };
  }

  /** The same door for clients that cannot send updates; a signal has no answer, so refusals go on record. */
  acceptSignal(command: DecisionCommand | WithdrawalCommand): void {
    const withdrawal = isSigned(command, "withdraw-decision");
    if (!withdrawal && !isSigned(command, "decide")) return this.refuseUnsigned(command, "signal");
    try {
      if (withdrawal) this.checkWithdrawal(command);
      else this.check(command);
    } catch (error) {
      const why = error instanceof Error ? error.message : "refused";
      const what = withdrawal ? "withdrawal" : command.body.decision;
      return this.remember({ message: "signal", claimed: `${command.principal} ${what}: ${why}` });
    }
    if (withdrawal) this.takeBack(command);
    else this.accept(command);
  }

  /** Everything that closeGate is to look at now, in order of arrival; null when nothing is new. */
  takeUnverified(): (DecisionCommand | WithdrawalCommand)[] | null {
    if (this.unverified === 0) return null;
    this.unverified = 0;
    const commands = [...this.votes, ...this.withdrawals];
    this.withdrawals = [];
    return commands;
  }

  /** The closing failed: what waits is looked at once more. */
  tryAgain(): void {
    this.failures += 1;
    this.unverified += 1;
  }

  /** What did not count, or was taken back, makes room for another attempt by the same person; what did is remembered as verified. */
  drop(dropped: string[], looked: (DecisionCommand | WithdrawalCommand)[]): void {
    for (const { principal, body } of looked) if (body.kind === "withdraw-decision") this.leaving.delete(principal);
    this.votes = this.votes.filter((vote) => !dropped.includes(vote.id));
    for (const { id } of looked) if (!dropped.includes(id)) this.verified.add(id);
  }

  /** The row again, when somebody asked for a look. */
  async lookAtRow(): Promise<{ resolution: Resolution; outcome: GateOutcome | null } | null> {
    if (!this.look) return null;
    this.look = false;
    const row = await record("Looks whether the request was closed").readGate({ gate: this.gate });
    this.stale = row?.stale != null;
    return row?.state === "closed" && row.resolution !== null
      ? { resolution: row.resolution, outcome: row.outcome ?? null }
      : null;
  }

  async renewWhenStale(): Promise<Extract<GateClosing, { kind: "closed" }> | null> {
    if (!this.stale) return null;
    this.stale = false;
    const closing = await record("Closes the request: its evidence is out of date").renewGate({ gate: this.gate });
    return closing.kind === "closed" ? closing : null;
  }

  async recordRefused(): Promise<void> {
    for (let next = this.refused.shift(); next; next = this.refused.shift())
      await refuseMessage({ ...next, why: "It carries no valid token of Countersign." });
  }

  private missing(): number {
    const votes = this.votes.map(({ id, principal, body, at, groups }) => ({
      command: id,
      principal,
      decision: body.decision,
      at,
      groups,
    }));
    return resolve(votes, this.deciders).missing;
  }

  private checkRoom(): void {
    if (this.refusedSoFar >= mostRefused) throw refuse("invalid", "Too many messages without a token.");
  }

  private checkState(gate: GateId): void {
    if (this.state === "closed") throw refuse("already-decided", "The gate is closed.");
    if (gate !== this.gate) throw refuse("invalid", `This decision is for ${gate}.`);
  }

  private refuseUnsigned(command: unknown, message: string): void {
    this.remember({ message, claimed: JSON.stringify(command ?? null).slice(0, 500) });
  }

  private remember(refused: { claimed: string; message: string }): void {
    if (this.refusedSoFar++ < mostRefused) this.refused.push(refused);
  }
}

function refuse(type: GateRefusalType | "not-signed", message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}

/** Has the form of a signed command of that kind. Whether the signature is true, closeGate verifies. */
function isSigned<Kind extends "decide" | "withdraw-decision">(
  command: unknown,
  kind: Kind,
): command is Kind extends "decide" ? DecisionCommand : WithdrawalCommand {
  if (typeof command !== "object" || command === null) return false;
  const { id, principal, signature, body } = command as Partial<DecisionCommand>;
  return (
    typeof id === "string" &&
    typeof principal === "string" &&
    typeof signature === "string" &&
    typeof body === "object" &&
    body?.kind === kind
  );
}
