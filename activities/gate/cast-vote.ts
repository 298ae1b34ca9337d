import type { Row } from "../../db/schema.ts";
import type { WithdrawalCommand } from "../../domain/signed-command.ts";
import type { Unit } from "../record/transaction.ts";
import type { Ballot } from "./ballot.ts";
import { noteDecision, writeDecision, writeResult, type WrittenDecision } from "./write-decision.ts";

/** The vote counts and waits for others. */
export async function castVote(unit: Unit, gate: Row<"gates">, ballot: Ballot): Promise<void> {
  const { command, standing, row } = ballot;
  const { decision } = command.body;
  if (decision === "escalate") throw new TypeError("An escalation is no vote.");
  await unit.trx
    .insertInto("votes")
    .values({
      command_id: command.id,
      gate_id: gate.id,
      principal_id: command.principal,
      on_behalf_of: standing.onBehalfOf,
      decision,
      groups: standing.groups,
      command: JSON.stringify(command),
      cast_at: command.at,
    })
    .execute();
  noteDecision(unit, "vote.cast", { gate, command, groupsNow: row.groups, standing, refusal: null });
  await writeResult(unit, { gate, command, resolution: null, refusal: null });
}

/** A vote that waited counts no longer: its maker left, contributed, or took it back. */
export async function dropVote(unit: Unit, dropped: WrittenDecision): Promise<void> {
  await unit.trx.updateTable("votes").set({ ended_at: new Date() }).where("command_id", "=", dropped.command.id).execute();
  await writeDecision(unit, dropped);
}

/** Who decides in person ends what a delegate decided in her name: it stands on record as not counted. Gives what no longer counts. */
export async function endDelegated(
  unit: Unit,
  gate: Row<"gates">,
  { ballot, standing }: { ballot: Ballot; standing: Row<"votes">[] },
): Promise<{ command: string; why: string }[]> {
  const { principal } = ballot.command;
  if (ballot.standing.onBehalfOf !== null) return [];
  const rows = standing.filter((vote) => vote.on_behalf_of === principal);
  const why = `${principal} decided in person instead.`;
  for (const { command, groups, on_behalf_of: onBehalfOf } of rows)
    await dropVote(unit, {
      gate,
      command,
      groupsNow: groups,
      standing: { groups, onBehalfOf },
      refusal: { code: "superseded", message: why },
    });
  return rows.map(({ command_id: command }) => ({ command, why }));
}

/** The next group in the chain decides as well, from now on. Uses up no vote. */
export async function escalateNow(unit: Unit, gate: Row<"gates">, ballot: Ballot): Promise<void> {
  const { command, row, standing } = ballot;
  await escalate(unit, gate, { level: row.escalationLevel + 1, by: command.principal, why: command.body.reason ?? "" });
  await writeDecision(unit, { gate, command, groupsNow: row.groups, standing, refusal: null });
  await writeResult(unit, { gate, command, resolution: null, refusal: null });
}

export async function escalate(
  { trx, note }: Unit,
  gate: Row<"gates">,
  { level, by, why }: { level: number; by: string; why: string },
): Promise<void> {
  const groups = gate.request.escalation?.[level - 1]?.groups ?? [];
  await trx.updateTable("gates").set({ escalation_level: level }).where("id", "=", gate.id).execute();
  note({ kind: "gate.escalated", actor: by, model: gate.model, subject: gate.id, data: { level, groups, why } });
}

/** Takes back the maker's own vote, which then stands on record as withdrawn. Gives the command that no longer counts. */
export async function withdrawVote(
  unit: Unit,
  gate: Row<"gates">,
  command: WithdrawalCommand,
): Promise<{ command: string; why: string }[]> {
  const vote = await unit.trx
    .selectFrom("votes")
    .selectAll()
    .where("gate_id", "=", gate.id)
    .where("principal_id", "=", command.principal)
    .where("ended_at", "is", null)
    .executeTakeFirst();
  if (!vote || gate.state !== "open") {
    const message =
      gate.state === "closed"
        ? `This gate is closed (${gate.resolution ?? "closed"}); a decision can be taken back only while it is open.`
        : `${command.principal} has no decision on ${gate.id} that could be taken back.`;
    const code = gate.state === "closed" ? "already-decided" : "nothing-to-withdraw";
    unit.note({
      kind: "command.refused",
      actor: command.principal,
      model: gate.model,
      subject: gate.id,
      data: { command: command.id, kind: command.body.kind, code, message },
    });
    await writeResult(unit, { gate, command, resolution: gate.resolution, refusal: { code, message } });
    return [{ command: command.id, why: message }];
  }
  const why = `${command.principal} took it back: ${command.body.reason}`;
  const standing = { groups: vote.groups, onBehalfOf: vote.on_behalf_of };
  await unit.trx.updateTable("votes").set({ ended_at: new Date() }).where("command_id", "=", vote.command_id).execute();
  await writeDecision(unit, {
    gate,
    command: vote.command,
    groupsNow: command.groups,
    standing,
    refusal: { code: "invalid", message: why },
  });
  unit.note({
    kind: "decision.withdrawn",
    actor: command.principal,
    model: gate.model,
    subject: gate.id,
    data: { command: command.id, decision: vote.command_id, reason: command.body.reason, token: command.signature },
  });
  await writeResult(unit, { gate, command, resolution: null, refusal: null });
  return [
    { command: vote.command_id, why },
    { command: command.id, why: "carried out" },
  ];
}
