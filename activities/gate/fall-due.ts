import { readUndelivered } from "../../db/commands.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Due } from "../../domain/gate-timeline.ts";
import type { GateId } from "../../domain/ids.ts";
import { momentInWords } from "../../domain/wording.ts";
import type { GateClosing } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { escalate } from "./cast-vote.ts";
import { closedBefore, takeAll } from "./close-gate.ts";
import { finishGate, standingVotes, type Closed, type Ending, type GateWork } from "./finish-gate.ts";

/**
 * A moment of the request's timeline has come: reminds, escalates, or does what the policy says of
 * the deadline and of the age. A gate that closed meanwhile stays as it is, and what was done once
 * is not done again, so that a timer that fires late or twice does nothing.
 */
export async function fallDue(deps: RecordDeps, { gate, due }: { gate: GateId; due: Due }): Promise<GateClosing> {
  return inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirst();
    if (!row) throw new CountersignError("not-found", `There is no gate ${gate}.`);
    const before = closedBefore(row);
    if (before) return { kind: "closed", ...before };
    const frozen = (row.request.timeline ?? []).some(
      (one) => one.kind === due.kind && one.at === due.at && one.step === due.step,
    );
    if (!frozen || new Date().toISOString() < due.at) return { kind: "open", dropped: [] };
    const work = { deps, unit, gate: row };
    const closed = (await countUndelivered(work, due)) ?? (await happen(work, due));
    return closed ? { kind: "closed", ...closed } : { kind: "open", dropped: [] };
  });
}

/**
 * Decisions that control signed in time and could not deliver yet, because Temporal or the workers were
 * away: their makers were told that they are on their way. A moment that ends the taking of decisions
 * counts them first, so that a slow process makes nobody late.
 */
async function countUndelivered(work: GateWork, due: Due): Promise<Closed | null> {
  const { unit, gate } = work;
  const ends = due.kind === "max-age" || (due.kind === "deadline" && gate.request.onDeadline !== "hold");
  if (!ends) return null;
  const undelivered = await readUndelivered(unit.trx, gate.id);
  const inTime = undelivered.filter((command) => command.at <= due.at);
  return inTime.length === 0 ? null : (await takeAll(work, inTime)).closed;
}

async function happen(work: GateWork, due: Due): Promise<Closed | null> {
  const { unit, gate } = work;
  switch (due.kind) {
    case "remind":
      await remind(unit, gate, due);
      return null;
    case "escalate":
      if (gate.escalation_level < due.step)
        await escalate(unit, gate, { level: due.step, by: "countersign", why: `Nobody decided by ${momentInWords(due.at)}.` });
      return null;
    case "deadline":
      return atDeadline(work);
    case "max-age":
      return endUndecided(work, {
        resolution: "superseded",
        why: `The evidence is older than the policy allows since ${momentInWords(due.at)}; it is renewed.`,
      });
  }
}

async function remind({ trx, note }: Unit, row: Row<"gates">, due: Due): Promise<void> {
  if (row.reminders >= due.step) return;
  await trx.updateTable("gates").set({ reminders: due.step }).where("id", "=", row.id).execute();
  note({
    kind: "gate.reminded",
    actor: "countersign",
    model: row.model,
    subject: row.id,
    data: { step: due.step, deadline: row.request.deadline, onDeadline: row.request.onDeadline },
  });
}

async function atDeadline(work: GateWork): Promise<Closed | null> {
  const { unit, gate: row } = work;
  const { deadline, onDeadline } = row.request;
  switch (onDeadline) {
    case "hold":
      if (row.overdue_since === null) {
        await unit.trx.updateTable("gates").set({ overdue_since: deadline }).where("id", "=", row.id).execute();
        unit.note({ kind: "gate.overdue", actor: "countersign", model: row.model, subject: row.id, data: { deadline } });
      }
      return null;
    case "reject":
      return endUndecided(work, {
        resolution: "expired",
        why: `The deadline, ${momentInWords(deadline)}, passed before the quorum was complete.`,
      });
    case "approve":
      return endUndecided(work, {
        resolution: "approved",
        why: `Nobody objected by ${momentInWords(deadline)}; the policy ${row.request.policy.id} ${row.request.policy.version} approves then.`,
      });
  }
}

/** Time or the world closes the gate; votes that stood go on record as not counted. */
export async function endUndecided(work: GateWork, ending: Pick<Ending, "resolution" | "why">): Promise<Closed> {
  return finishGate(work, { ...ending, by: null, votes: await standingVotes(work.unit, work.gate.id) });
}
