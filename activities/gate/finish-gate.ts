import type { Trx } from "../../db/database.ts";
import { readAttempt } from "../../db/reads/attempt-facts.ts";
import type { Row } from "../../db/schema.ts";
import type { Standing } from "../../domain/attempt.ts";
import { completeInputs } from "../../domain/decision-form.ts";
import type { GateOutcome, Resolution } from "../../domain/gate.ts";
import type { GateId, ModelName, Timestamp } from "../../domain/ids.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { carryOutResolution } from "./effects.ts";
import { noteDecision, writeDecision } from "./write-decision.ts";

/** Work on one gate, whose row is locked. */
export interface GateWork {
  deps: RecordDeps;
  unit: Unit;
  gate: Row<"gates">;
}

/** A vote that stands when the gate closes. */
export interface CountedVote {
  command: DecisionCommand;
  groupsNow: string[];
  standing: Standing;
}

export interface Ending {
  resolution: Resolution;
  /** The vote that completed it; null when time or the world closed the gate. */
  by: DecisionCommand | null;
  /** Why, where no vote says it. */
  why: string | null;
  votes: CountedVote[];
}

export interface Closed {
  resolution: Resolution;
  at: Timestamp;
  outcome: GateOutcome;
}

/**
 * Closes the gate once and for good: resolution and outcome into its row, the votes into `decisions`,
 * all into the audit chain, and what was asked for is carried out, in the one transaction. Votes
 * that stood when time or the world closed the gate did not count.
 */
export async function finishGate({ deps, unit, gate }: GateWork, ending: Ending): Promise<Closed> {
  const { resolution, by, why, votes } = ending;
  const closedAt = new Date();
  const outcome: GateOutcome = {
    by: by?.principal ?? null,
    at: by?.at ?? closedAt.toISOString(),
    reason: by?.body.reason ?? why,
    inputs: resolution === "approved" ? completeInputs(gate.request.inputs ?? [], by?.body.inputs ?? {}) : {},
    conditions: resolution === "approved" ? votes.flatMap(({ command }) => command.body.conditions ?? []) : [],
  };
  await unit.trx
    .updateTable("gates")
    .set({ state: "closed", resolution, closed_at: closedAt, outcome: JSON.stringify(outcome) })
    .where("id", "=", gate.id)
    .execute();
  // One decision that closes the gate by itself never stood as a vote.
  if (votes.some(({ command }) => command.id !== by?.id))
    await unit.trx
      .updateTable("votes")
      .set({ ended_at: closedAt })
      .where("gate_id", "=", gate.id)
      .where("ended_at", "is", null)
      .execute();
  const refusal =
    by === null ? ({ code: "expired", message: why ?? `The gate closed as ${resolution} without it.` } as const) : null;
  for (const vote of votes) {
    const written = { gate, refusal, ...vote };
    await writeDecision(unit, written);
    if (refusal === null) noteDecision(unit, "gate.decided", written);
  }
  unit.note({
    kind: "gate.closed",
    actor: by?.principal ?? "countersign",
    model: gate.model,
    subject: gate.id,
    data: {
      resolution,
      release: gate.release_id,
      subject: gate.request.subject,
      ...(by && { command: by.id }),
      ...(why && { why }),
    },
  });
  // Before the model's row is locked: what closes a gate about a model locks the gate first.
  if (resolution === "approved" && gate.subject_kind === "retirement" && gate.model !== null)
    await endRequestsAbout({ deps, unit }, gate.model);
  await carryOutResolution(deps, unit, { gate, resolution, outcome });
  return { resolution, at: closedAt.toISOString(), outcome };
}

/** The votes that wait for others, in the order in which they came. */
export function readStanding(trx: Trx, gate: GateId): Promise<Row<"votes">[]> {
  return trx
    .selectFrom("votes")
    .selectAll()
    .where("gate_id", "=", gate)
    .where("ended_at", "is", null)
    .orderBy("recorded_at")
    .orderBy("command_id")
    .execute();
}

/** The same, with what their makers' memberships are now. */
export async function standingVotes({ trx }: Unit, gate: GateId): Promise<CountedVote[]> {
  const standing = await readStanding(trx, gate);
  const votes: CountedVote[] = [];
  for (const { command, groups, on_behalf_of } of standing) {
    const facts = await readAttempt(trx, gate, command.principal);
    votes.push({ command, groupsNow: facts?.groups ?? [], standing: { groups, onBehalfOf: on_behalf_of } });
  }
  return votes;
}

/**
 * Closes what is asked about a model that is being retired, because an answer would have no effect any
 * more. Requests of its releases end with these; reviews of a break-glass stay.
 */
export async function endRequestsAbout({ deps, unit }: Omit<GateWork, "gate">, model: ModelName): Promise<void> {
  const rows = await unit.trx
    .selectFrom("gates")
    .selectAll()
    .where("model", "=", model)
    .where("subject_kind", "in", ["definition", "retirement"])
    .where("state", "<>", "closed")
    .orderBy("id")
    .forNoKeyUpdate()
    .execute();
  const why = `${model} was retired; there is nothing to decide here any more.`;
  for (const gate of rows)
    await finishGate(
      { deps, unit, gate },
      { resolution: "superseded", by: null, why, votes: await standingVotes(unit, gate.id) },
    );
}
