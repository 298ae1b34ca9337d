import { sql } from "kysely";
import type { Trx } from "../../db/database.ts";
import { quorumRuleOf } from "../../db/reads/attempt-facts.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Resolution } from "../../domain/gate.ts";
import type { GateId } from "../../domain/ids.ts";
import { resolve, type Vote } from "../../domain/quorum.ts";
import type { DecisionCommand, WithdrawalCommand } from "../../domain/signed-command.ts";
import type { GateClosing } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { noteRefusedMessage } from "../record/refuse-message.ts";
import { stopRetired } from "../record/retire-model.ts";
import { isStorable } from "../record/storable.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { hint } from "../watch/run-status.ts";
import { judge, judgeAgain, type Ballot } from "./ballot.ts";
import { tellStaleGates } from "./mark-stale.ts";
import { castVote, dropVote, endDelegated, escalateNow, withdrawVote } from "./cast-vote.ts";
import { finishGate, readStanding, type Closed, type CountedVote, type GateWork } from "./finish-gate.ts";
import { writeDecision, writeResult } from "./write-decision.ts";

/** Of the two seconds that the gate's workflow waits for this. */
const longestTellingMs = 1_000;

type Command = DecisionCommand | WithdrawalCommand;
type Dropped = { command: string; why: string };

/**
 * The one transaction that makes a gate final: verifies every token, reads membership and
 * contributions again, and when what counts amounts to a resolution closes the gate. Votes that do
 * not complete the quorum wait in `votes` and are judged again when it closes. What is closed
 * stays as it is: the answer is then the resolution that the row holds, and decisions that came
 * too late are put on record as such.
 */
export async function closeGate(
  deps: RecordDeps,
  { gate, commands, asker }: { gate: GateId; commands: Command[]; asker?: string },
): Promise<GateClosing> {
  const { retired, reviewed, closing } = await inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirst();
    if (!row) throw new CountersignError("not-found", `There is no gate ${gate}.`);
    const { closed, dropped } = await takeAll({ deps, unit, gate: row }, commands);
    const answer: GateClosing = closed ? { kind: "closed", ...closed } : { kind: "open", dropped };
    return {
      retired: row.subject_kind === "retirement" && closed?.resolution === "approved",
      reviewed: row.subject_kind === "deployment" && closed !== null,
      closing: answer,
    };
  });
  // Hints: the watch gives them again, and the model is retired, or the champion before it back.
  const told = closing.kind === "closed" && asker !== undefined && (await tellAsker(deps, asker, { gate, ...closing }));
  if (retired) await stopRetired(deps).catch(() => undefined);
  if (reviewed) await tellStaleGates(deps).catch(() => undefined);
  return told ? { ...closing, told } : closing;
}

/**
 * Here, not by the gate's own workflow: a person's yes waits for it. A hint, like that one; false where
 * Temporal did not take it in time, and the workflow then tells it itself.
 */
async function tellAsker(
  { temporalClient }: RecordDeps,
  asker: string,
  { gate, resolution }: { gate: GateId; resolution: Resolution },
): Promise<boolean> {
  if (!temporalClient) return false;
  const telling = () => hint(temporalClient, asker, { signal: "gateClosed", args: [{ gate, resolution }] });
  return temporalClient.withDeadline(Date.now() + longestTellingMs, telling).then(
    () => true,
    () => false,
  );
}

/** Verifies and counts them in their order, as far as they are not known yet; `gate` is locked. */
export async function takeAll(work: GateWork, commands: Command[]): Promise<{ closed: Closed | null; dropped: Dropped[] }> {
  const { deps, unit, gate } = work;
  const before = await readKnown(unit.trx, commands);
  const dropped: Dropped[] = [...before.dropped];
  let closed = closedBefore(gate);
  for (const command of commands) {
    if (before.known.has(command?.id)) continue;
    const why = whyNotGenuine(deps, gate, command);
    if (why !== null) {
      const claimed = JSON.stringify(command ?? null);
      await noteRefusedMessage(unit, { subject: gate.id, model: gate.model, message: "decision", claimed, why });
      dropped.push({ command: String(command?.id), why });
      continue;
    }
    if (isWithdrawal(command)) dropped.push(...(await withdrawVote(unit, gate, command)));
    else {
      const taken = await take(work, command);
      dropped.push(...taken.dropped);
      closed ??= taken.closed;
    }
  }
  return { closed, dropped };
}

export function closedBefore(row: Row<"gates">): Closed | null {
  if (row.state !== "closed" || row.resolution === null || row.closed_at === null) return null;
  const at = row.closed_at.toISOString();
  return { resolution: row.resolution, at, outcome: row.outcome ?? { by: null, at, reason: null, inputs: {}, conditions: [] } };
}

function isWithdrawal(command: Command): command is WithdrawalCommand {
  return command.body.kind === "withdraw-decision";
}

/** Only what control signed, for this gate, in a form that can be kept and verified again later. */
function whyNotGenuine(deps: RecordDeps, gate: Row<"gates">, command: Command): string | null {
  if (!deps.verifier.verify(command)) return "It carries no valid token of Countersign.";
  const { kind } = command.body;
  if ((kind !== "decide" && kind !== "withdraw-decision") || command.body.gate !== gate.id)
    return "Its token is for something else.";
  if (!isStorable(command) || !isExactTime(command.at)) return "It cannot be kept as it was signed.";
  return null;
}

/** The column keeps milliseconds in UTC; the signature is over the text. */
function isExactTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

/** Commands that an earlier run of this activity, or an earlier round, has dealt with. */
async function readKnown(trx: Trx, commands: Command[]): Promise<{ known: Set<string>; dropped: Dropped[] }> {
  const ids = commands.map((command) => String(command?.id));
  if (ids.length === 0) return { known: new Set(), dropped: [] };
  // In one round trip: this is in the way of everybody who waits for the closing.
  const rows = await trx
    .selectFrom("decisions")
    .select(["command_id", "why_not"])
    .where("command_id", "in", ids)
    .unionAll((eb) =>
      eb
        .selectFrom("votes")
        .select(["command_id", sql<string | null>`null`.as("why_not")])
        .where("command_id", "in", ids),
    )
    .unionAll((eb) =>
      eb
        .selectFrom("command_results")
        .select(["command_id", sql<string | null>`null`.as("why_not")])
        .where("command_id", "in", ids),
    )
    .execute();
  return {
    known: new Set(rows.map((row) => row.command_id)),
    dropped: rows.flatMap((row) => (row.why_not === null ? [] : [{ command: row.command_id, why: row.why_not }])),
  };
}

/** One decision: refused on record, an escalation, a vote that waits, or the one that closes the gate. */
async function take(work: GateWork, command: DecisionCommand): Promise<{ closed: Closed | null; dropped: Dropped[] }> {
  const { unit, gate } = work;
  const ballot = await judge(unit.trx, command);
  if (ballot.refusal) {
    const { refusal } = ballot;
    await writeDecision(unit, { gate, ...writtenOf(ballot), refusal });
    await writeResult(unit, { gate, command, resolution: ballot.row.resolution, refusal });
    return { closed: null, dropped: [{ command: command.id, why: refusal.message }] };
  }
  if (command.body.decision === "escalate") {
    await escalateNow(unit, gate, ballot);
    return { closed: null, dropped: [] };
  }
  const standing = ballot.row.votes.length > 0 ? await readStanding(unit.trx, gate.id) : [];
  const ended = await endDelegated(unit, gate, { ballot, standing });
  const rest = standing.filter((vote) => !ended.some(({ command: one }) => one === vote.command_id));
  const { votes, dropped: left, resolution, by } = await countWith(unit, gate, { ballot, standing: rest });
  const dropped = [...ended, ...left];
  if (resolution === null || by === null) {
    await castVote(unit, gate, ballot);
    return { closed: null, dropped };
  }
  const closed = await finishGate(work, { resolution, by, why: null, votes });
  await writeResult(unit, { gate, command, resolution, refusal: null });
  return { closed, dropped };
}

export function writtenOf({ command, row, standing }: Ballot): CountedVote {
  return { command, groupsNow: row.groups, standing };
}

/**
 * What the standing votes and this one amount to. Before a gate closes each of them is judged again:
 * who left the group, contributed or lost the delegation meanwhile does not count.
 */
async function countWith(unit: Unit, gate: Row<"gates">, { ballot, standing }: { ballot: Ballot; standing: Row<"votes">[] }) {
  const rule = quorumRuleOf(ballot.row);
  const tentative = resolve([...standing.map(asVote), voteOf(ballot)], rule);
  const dropped: Dropped[] = [];
  const votes: CountedVote[] = [];
  if (tentative.resolution === null) return { votes, dropped, resolution: null, by: null };
  for (const { command } of standing) {
    const again = await judgeAgain(unit.trx, command);
    if (again.refusal === null) votes.push(writtenOf(again));
    else {
      await dropVote(unit, { gate, ...writtenOf(again), refusal: again.refusal });
      dropped.push({ command: command.id, why: again.refusal.message });
    }
  }
  votes.push(writtenOf(ballot));
  const { resolution, by } = resolve(votes.map(asCounted), rule);
  return {
    votes,
    dropped,
    resolution,
    by: by === null ? null : (votes.find(({ command }) => command.id === by.command)?.command ?? null),
  };
}

function asVote(row: Row<"votes">): Vote {
  return {
    command: row.command_id,
    principal: row.principal_id,
    decision: row.decision,
    at: row.cast_at.toISOString(),
    groups: row.groups,
    onBehalfOf: row.on_behalf_of,
  };
}

function voteOf({ command, standing }: Pick<Ballot, "command" | "standing">): Vote {
  return { command: command.id, principal: command.principal, decision: command.body.decision, at: command.at, ...standing };
}

function asCounted(vote: CountedVote): Vote {
  return voteOf(vote);
}
