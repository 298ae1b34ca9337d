import { sql } from "kysely";
import { chooseStanding, voteInPlace, type AttemptFacts, type Standing } from "../../domain/attempt.ts";
import type { DecisionKind, Exclusion, GateOutcome, GateRequest, GateState, Resolution } from "../../domain/gate.ts";
import type { Digest, GateId, PrincipalId } from "../../domain/ids.ts";
import { resolve, type QuorumRule, type Tally, type Vote } from "../../domain/quorum.ts";
import type { Db, Trx } from "../database.ts";
import { decidesInName, heldGroups, isBarred, voicesOf } from "../rights.ts";

type Asked = Omit<GateRequest, "evidence">;

/** All that settles an attempt, read in one statement and so at one moment. */
export interface AttemptRow {
  gate: GateId;
  state: GateState;
  resolution: Resolution | null;
  digest: Digest;
  model: string | null;
  /** The frozen request without its evidence. */
  request: Asked;
  /** Who contributed since the request was frozen. */
  contributed: Exclusion[];
  escalationLevel: number;
  stale: string | null;
  supersededBy: GateId | null;
  closedAt: Date | null;
  outcome: GateOutcome | null;
  earlierDigests: Digest[];
  /** Null for somebody unknown or deactivated. */
  kind: "person" | "machine" | null;
  /** The principal's groups now. */
  groups: string[];
  /** By what rights the principal decides: the own one first, then those that were delegated, the oldest first. */
  standings: Standing[];
  barred: boolean;
  joinedLate: string[];
  decisionsUntil: Date | null;
  votes: RecordedVote[];
}

/** A vote that stands, or a decision with what became of it. */
export interface RecordedVote extends Vote {
  counted: boolean;
  whyNot: string | null;
}

const utc = (column: string) => sql.raw<string>(`to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);

/** Null where there is no such gate. */
export async function readAttempt(db: Db | Trx, gate: GateId, principal: PrincipalId): Promise<AttemptRow | null> {
  return (await readAttempts(db, [gate], principal)).get(gate) ?? null;
}

/** The same of several gates, in one statement. */
export async function readAttempts(db: Db | Trx, gates: GateId[], principal: PrincipalId): Promise<Map<GateId, AttemptRow>> {
  if (gates.length === 0) return new Map();
  const { rows } = await sql<AttemptRow>`
    select g.id as gate, g.state, g.resolution, g.request_digest as digest, g.model, g.superseded_by as "supersededBy",
      g.closed_at as "closedAt", g.terms as request, g.escalation_level as "escalationLevel", g.stale, g.outcome,
      g.decisions_until as "decisionsUntil",
      coalesce((select jsonb_agg(jsonb_build_object('principal', c.principal_id, 'why', c.how) order by c.at, c.how)
        from contributors c where c.release_id = g.release_id), '[]'::jsonb) as contributed,
      array(select e.request_digest from gates e where e.model = g.model and e.release_id is not distinct from g.release_id
        and e.name = g.name and e.number < g.number) as "earlierDigests",
      (select p.kind from principals p where p.id = ${principal} and p.active) as kind,
      array(select b.group_id from group_members b where b.principal_id = ${principal} and b.until is null order by b.group_id) as groups,
      ${isBarred(sql`${principal}`)} as barred,
      array(select b.group_id from group_members b where b.principal_id = ${principal} and b.until is null
        and b.since > coalesce(g.opened_at, g.created_at) and b.group_id = any(g.decider_groups) order by b.group_id) as "joinedLate",
      coalesce((select jsonb_agg(jsonb_build_object('onBehalfOf', case when v.delegation is null then null else v.voice end,
          'groups', array(${heldGroups(sql.ref("v.voice"), sql.ref("g.decider_groups"))})) order by v.since, v.delegation)
        from ${voicesOf(principal)} v where ${decidesInName(principal)}), '[]'::jsonb) as standings,
      coalesce((select jsonb_agg(v order by v ->> 'at', v ->> 'command') from (
          select jsonb_build_object('command', d.command_id, 'principal', d.principal_id, 'decision', d.decision,
            'at', ${utc("d.decided_at")}, 'groups', d.counted_as, 'onBehalfOf', d.on_behalf_of,
            'counted', d.counted, 'whyNot', d.why_not) as v
          from decisions d where d.gate_id = g.id
          union all
          select jsonb_build_object('command', w.command_id, 'principal', w.principal_id, 'decision', w.decision,
            'at', ${utc("w.cast_at")}, 'groups', w.groups, 'onBehalfOf', w.on_behalf_of, 'counted', true, 'whyNot', null)
          from votes w where w.gate_id = g.id and w.ended_at is null) every), '[]'::jsonb) as votes
    from gates g where g.id = any(${gates}::text[])`.execute(db);
  return new Map(rows.map((row) => [row.gate, row]));
}

/**
 * Whether the records can say by now what became of a command: it is among them, or the gate closed without
 * it. A tenth of the time that all facts take, for who looks many times a second.
 */
export async function hasAnswer(db: Db, gate: GateId, command: string): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`
    select g.state = 'closed'
      or exists (select from decisions d where d.gate_id = g.id and d.command_id = ${command})
      or exists (select from votes w where w.gate_id = g.id and w.command_id = ${command}) as there
    from gates g where g.id = ${gate}`.execute(db);
  return rows[0]?.there ?? false;
}

/** The same facts as the rules take them. */
export function attemptFacts(
  row: AttemptRow,
  asked: { gate: GateId; principal: PrincipalId; decision: DecisionKind; digest: Digest; at: string },
): AttemptFacts {
  const { request, decisionsUntil: last } = row;
  const counted = row.votes.filter((vote) => vote.counted && vote.decision !== "escalate");
  const standing = chooseStanding(row.standings, counted, asked.principal);
  const own = voteInPlace(counted, asked.principal, standing);
  return {
    principal: { id: asked.principal, kind: row.kind ?? "nobody", groups: row.groups },
    standing,
    barred: row.barred,
    joinedLate: row.joinedLate,
    gate: { id: asked.gate, state: row.state, resolution: row.resolution, digest: row.digest },
    deciders: request.deciders,
    escalatedTo: escalatedTo(row),
    escalatable: (request.escalation ?? []).length > row.escalationLevel,
    ownerTeam: request.ownerTeam ?? null,
    // A frozen exclusion is never lifted; who contributed afterwards is barred as well.
    excluded: [...request.excluded, ...row.contributed],
    earlierDigests: row.earlierDigests,
    supersededBy: row.supersededBy,
    closedBy: closedBy(row),
    lastMoment: last && { at: last.toISOString(), ends: request.onDeadline === "hold" ? "is renewed" : "expires" },
    staleBecause: row.stale,
    ownVote: own ? { decision: own.decision, by: own.principal, onBehalfOf: own.onBehalfOf ?? null } : null,
    asked,
  };
}

/** Groups that escalation has added so far. */
export function escalatedTo(row: Pick<AttemptRow, "escalationLevel"> & { request: Pick<Asked, "escalation"> }): string[] {
  return (row.request.escalation ?? []).slice(0, row.escalationLevel).flatMap((step) => step.groups);
}

export function quorumRuleOf(
  row: Pick<AttemptRow, "escalationLevel"> & { request: Pick<Asked, "escalation" | "deciders"> },
): QuorumRule {
  return { ...row.request.deciders, escalatedTo: escalatedTo(row) };
}

/** What the votes amount to. */
export function tallyOf(row: AttemptRow): Tally {
  return resolve(
    row.votes.filter((vote) => vote.counted),
    quorumRuleOf(row),
  );
}

function closedBy(row: AttemptRow): AttemptFacts["closedBy"] {
  if (row.closedAt === null) return null;
  const closing = tallyOf(row).by;
  return {
    by: row.outcome?.by ?? closing?.principal ?? null,
    at: row.outcome?.at ?? closing?.at ?? row.closedAt.toISOString(),
    how: closing?.decision ?? null,
    // Where people closed it their reasons are on the page; where time or the world did, this is all that says why.
    why: closing || row.outcome?.by ? null : (row.outcome?.reason ?? null),
  };
}
