import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import { resolve, type Resolution, type Vote } from "../../domain/gate.ts";
import type { GateId } from "../../domain/ids.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";
import type { GateClosing } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { noteRefusedMessage } from "../record/refuse-message.ts";
import { isStorable } from "../record/storable.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { approveVersion } from "./approve-version.ts";
import { judge, type Ballot, type BallotBox } from "./ballot.ts";
import { readExclusions } from "./freeze-gate.ts";
import { writeDecision } from "./write-decision.ts";

/**
 * The one transaction that makes a gate final: verifies every token, reads membership and
 * contributions again, and when what counts resolves the gate, writes decisions, resolution,
 * audit and (when approved) the approval. What is closed stays as it is: the answer is then the
 * resolution that the row holds, and decisions that came too late are put on record as such.
 */
export async function closeGate(
  deps: RecordDeps,
  { gate, commands }: { gate: GateId; commands: DecisionCommand[] },
): Promise<GateClosing> {
  return inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirst();
    if (!row) throw new CountersignError("not-found", `There is no gate ${gate}.`);
    const box = await openBox(unit, row);
    const genuine: DecisionCommand[] = [];
    const dropped: { command: string; why: string }[] = [];
    for (const command of commands) {
      const why = whyNotGenuine(deps, row, command);
      if (why === null) genuine.push(command);
      else {
        await noteRefusedMessage(unit, {
          subject: gate,
          model: row.model,
          message: "decision",
          claimed: JSON.stringify(command ?? null),
          why,
        });
        dropped.push({ command: String(command?.id), why });
      }
    }
    const ballots = await judgeAll(unit, box, genuine);
    const closing = row.state === "closed" ? row : await closeWhenResolved(unit, row, ballots);
    for (const ballot of ballots.fresh) {
      if (ballot.refusal || closing) await writeDecision(unit, { gate: row, resolution: closing?.resolution ?? null, ballot });
    }
    if (closing?.resolution && closing.closed_at)
      return { kind: "closed", resolution: closing.resolution, at: closing.closed_at.toISOString() };
    const refused = ballots.fresh.flatMap(({ command, refusal }) =>
      refusal ? [{ command: command.id, why: refusal.message }] : [],
    );
    return { kind: "open", dropped: [...dropped, ...ballots.before, ...refused] };
  });
}

/** Only what control signed, for this gate, in a form that can be kept and verified again later. */
function whyNotGenuine(deps: RecordDeps, gate: Row<"gates">, command: DecisionCommand): string | null {
  if (!deps.verifier.verify(command)) return "It carries no valid token of Countersign.";
  if (command.body.kind !== "decide" || command.body.gate !== gate.id) return "Its token is for something else.";
  if (!isStorable(command) || !isExactTime(command.at)) return "It cannot be kept as it was signed.";
  return null;
}

/** The column keeps milliseconds in UTC; the signature is over the text. */
function isExactTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

async function openBox({ trx }: Unit, gate: Row<"gates">): Promise<BallotBox> {
  const counted = await trx
    .selectFrom("decisions")
    .selectAll()
    .where("gate_id", "=", gate.id)
    .where("counted", "=", true)
    .orderBy("recorded_at")
    .execute();
  const last = counted.at(-1);
  // Who contributed after the request was frozen is barred as well; a frozen exclusion is never lifted.
  const since = gate.release_id === null ? [] : await readExclusions(trx, gate.release_id);
  return {
    gate,
    excluded: [...gate.request.excluded, ...since],
    closedBy: gate.closed_at && { by: last?.principal_id ?? null, at: gate.closed_at.toISOString(), how: last?.decision ?? null },
    voted: new Map(counted.map((row) => [row.principal_id, row.decision])),
  };
}

interface Ballots {
  /** Not on record yet, in their order of arrival. */
  fresh: Ballot[];
  /** On record already as not counted: an earlier run of this activity, or the same decision again. */
  before: { command: string; why: string }[];
}

async function judgeAll({ trx }: Unit, box: BallotBox, commands: DecisionCommand[]): Promise<Ballots> {
  const ids = commands.map((command) => command.id);
  const known =
    ids.length === 0
      ? []
      : await trx.selectFrom("decisions").select(["command_id", "why_not"]).where("command_id", "in", ids).execute();
  const ballots: Ballots = {
    fresh: [],
    before: known.flatMap((row) => (row.why_not === null ? [] : [{ command: row.command_id, why: row.why_not }])),
  };
  for (const command of commands) {
    if (known.some((row) => row.command_id === command.id)) continue;
    const ballot = await judge(trx, box, command);
    if (!ballot.refusal) box.voted.set(command.principal, command.body.decision);
    ballots.fresh.push(ballot);
  }
  return ballots;
}

/** Closes the gate when the votes that count amount to a resolution; marks those that came after it. */
async function closeWhenResolved(
  unit: Unit,
  gate: Row<"gates">,
  { fresh }: Ballots,
): Promise<{ resolution: Resolution; closed_at: Date } | null> {
  const counting = fresh.filter((ballot) => !ballot.refusal);
  const votes: Vote[] = counting.map(({ command }) => ({
    command: command.id,
    principal: command.principal,
    decision: command.body.decision,
    at: command.at,
  }));
  const { resolution, by } = resolve(votes, { quorum: gate.request.deciders.quorum });
  if (resolution === null || by === null) return null;
  const decidedAt = counting.findIndex(({ command }) => command.id === by.command);
  for (const late of counting.slice(decidedAt + 1))
    late.refusal = {
      code: "already-decided",
      message: `This gate was closed as ${resolution} by ${by.principal}; your decision came after that and changes nothing.`,
    };
  const closing = { resolution, closed_at: new Date() };
  await unit.trx
    .updateTable("gates")
    .set({ state: "closed", ...closing })
    .where("id", "=", gate.id)
    .execute();
  for (const { command } of counting.slice(0, decidedAt + 1)) {
    const { decision, digest, seen, reason, inputs, parameters, returnTo } = command.body;
    unit.note({
      kind: "gate.decided",
      actor: command.principal,
      model: gate.model,
      subject: gate.id,
      data: {
        command: command.id,
        surface: command.surface,
        decision,
        digest,
        seen,
        reason,
        inputs,
        parameters,
        returnTo,
        groups: command.groups,
        decidedAt: command.at,
        token: command.signature,
      },
    });
  }
  unit.note({
    kind: "gate.closed",
    actor: by.principal,
    model: gate.model,
    subject: gate.id,
    data: { resolution, release: gate.release_id, subject: gate.request.subject, command: by.command },
  });
  if (resolution === "approved") await approveVersion(unit, gate, by.principal);
  return closing;
}
