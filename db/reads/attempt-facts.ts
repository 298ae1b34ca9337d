import { sql } from "kysely";
import type { DecisionKind, Exclusion, GateState, Resolution } from "../../domain/gate.ts";
import type { Digest, GateId, PrincipalId } from "../../domain/ids.ts";
import type { Db } from "../database.ts";

/** All that settles an attempt, read in one statement and so at one moment. */
export interface AttemptRow {
  state: GateState;
  resolution: Resolution | null;
  digest: Digest;
  model: string | null;
  deciderGroups: string[];
  quorum: number;
  excluded: Exclusion[];
  supersededBy: GateId | null;
  closedAt: Date | null;
  earlierDigests: Digest[];
  /** The person's groups now. */
  groups: string[];
  /** Of these, those held since the gate opened. */
  heldSinceOpening: string[];
  votes: {
    command: string;
    principal: PrincipalId;
    decision: DecisionKind;
    at: string;
    why_not: string | null;
    counted: boolean;
  }[];
}

/** Null where there is no such gate. */
export async function readAttempt(db: Db, gate: GateId, principal: PrincipalId): Promise<AttemptRow | null> {
  const { rows } = await sql<AttemptRow>`
    select g.state, g.resolution, g.request_digest as digest, g.model, g.superseded_by as "supersededBy", g.closed_at as "closedAt",
      array(select jsonb_array_elements_text(g.request -> 'deciders' -> 'groups')) as "deciderGroups",
      (g.request -> 'deciders' ->> 'quorum')::int as quorum,
      g.request -> 'excluded' as excluded,
      array(select e.request_digest from gates e where e.release_id = g.release_id and e.name = g.name and e.number < g.number) as "earlierDigests",
      array(select b.group_id from group_members b where b.principal_id = ${principal} and b.until is null order by b.group_id) as groups,
      array(select b.group_id from group_members b where b.principal_id = ${principal} and b.until is null
        and b.since <= coalesce(g.opened_at, g.created_at) order by b.group_id) as "heldSinceOpening",
      coalesce((select jsonb_agg(jsonb_build_object('command', d.command_id, 'principal', d.principal_id, 'decision', d.decision,
          'at', to_char(d.decided_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'counted', d.counted, 'why_not', d.why_not)
          order by d.decided_at, d.command_id) from decisions d where d.gate_id = g.id), '[]'::jsonb) as votes
    from gates g where g.id = ${gate}`.execute(db);
  return rows[0] ?? null;
}
