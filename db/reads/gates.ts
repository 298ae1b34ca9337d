import { sql, type RawBuilder } from "kysely";
import type { GateState } from "../../domain/gate.ts";
import type { GateId, ModelName, PrincipalId } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import { beyond, type PageOf } from "./page.ts";
import { readableThrough, type ReadScope } from "./scope.ts";

export type GateRow = Row<"gates"> & { place: string };

export interface GateRowFilter {
  id?: GateId | undefined;
  state?: GateState | undefined;
  model?: ModelName | undefined;
  /** Only those that this person may decide on now. */
  decidableBy?: { principal: PrincipalId; groups: string[] } | undefined;
}

/** Whoever a request names: its groups, those to which it is escalated, and people. */
const named = (groups: string[], principal: PrincipalId): RawBuilder<boolean> => sql<boolean>`(
  (g.request -> 'deciders' -> 'groups') ?| ${groups}::text[]
  or coalesce(g.request -> 'deciders' -> 'oneFromEach', '[]') ?| ${groups}::text[]
  or coalesce(g.request -> 'deciders' -> 'people', '[]') ? ${principal}
  or exists (select 1 from jsonb_array_elements(coalesce(g.request -> 'escalation', '[]')) with ordinality s (step, level)
    where s.level <= g.escalation_level and (s.step -> 'groups') ?| ${groups}::text[]))`;

/** The principal's own groups and those of whoever delegates to her at present. */
const conveyed = (principal: PrincipalId): RawBuilder<string[]> => sql<string[]>`array(
  select b.group_id from group_members b where b.until is null and (b.principal_id = ${principal} or b.principal_id in (
    select d.from_principal from delegations d where d.to_principal = ${principal} and d.revoked_at is null
      and now() between d.since and d.until)))`;

/** Gates are seen by whoever reads the model, by those whom the request names, and by their delegates. */
export function readableGate(scope: ReadScope): RawBuilder<boolean> {
  return sql<boolean>`(${readableThrough(scope, "g.model")} or ${named(scope.groups, scope.principal)}
    or (g.request -> 'deciders' -> 'groups') ?| ${conveyed(scope.principal)})`;
}

function decidable(by: NonNullable<GateRowFilter["decidableBy"]>): RawBuilder<boolean> {
  return sql<boolean>`(g.state <> 'closed' and (${named(by.groups, by.principal)}
      or (g.request -> 'deciders' -> 'groups') ?| ${conveyed(by.principal)})
    and not (g.request -> 'excluded') @> jsonb_build_array(jsonb_build_object('principal', ${by.principal}::text))
    and not exists (select 1 from votes v where v.gate_id = g.id and v.ended_at is null and v.principal_id = ${by.principal})
    and not exists (select 1 from decisions d where d.gate_id = g.id and d.principal_id = ${by.principal} and d.counted and d.decision <> 'escalate'))`;
}

/** The gates that the scope covers, newest first. */
export async function readGates(db: Db, scope: ReadScope, page: PageOf & GateRowFilter): Promise<GateRow[]> {
  const { rows } = await sql<GateRow>`
    select g.*, g.created_at::text as place from gates g
    where ${readableGate(scope)}
      and ${page.id === undefined ? sql`true` : sql`g.id = ${page.id}`}
      and ${page.state === undefined ? sql`true` : sql`g.state = ${page.state}`}
      and ${page.model === undefined ? sql`true` : sql`g.model = ${page.model}`}
      and ${page.decidableBy === undefined ? sql`true` : decidable(page.decidableBy)}
      and ${beyond(page.after, { at: "g.created_at", id: "g.id" })}
    order by g.created_at desc, g.id desc limit ${page.limit}`.execute(db);
  return rows;
}

export async function gateVisible(db: Db, scope: ReadScope, gate: GateId): Promise<boolean> {
  const { rows } = await sql`select 1 from gates g where g.id = ${gate} and ${readableGate(scope)}`.execute(db);
  return rows.length > 0;
}

/** Votes that wait for the quorum, in the order in which they were made. */
export async function readStandingVotes(db: Db, gate: GateId): Promise<Row<"votes">[]> {
  return db
    .selectFrom("votes")
    .selectAll()
    .where("gate_id", "=", gate)
    .where("ended_at", "is", null)
    .orderBy("cast_at")
    .orderBy("command_id")
    .execute();
}

/** In the order in which they were made. */
export async function readDecisions(db: Db, gates: GateId[]): Promise<Row<"decisions">[]> {
  if (gates.length === 0) return [];
  return db
    .selectFrom("decisions")
    .selectAll()
    .where("gate_id", "in", gates)
    .orderBy("decided_at")
    .orderBy("command_id")
    .execute();
}

/** How it stands, for whoever may know of it already. */
export function readGateState(db: Db, gate: GateId): Promise<Pick<Row<"gates">, "state"> | undefined> {
  return db.selectFrom("gates").select("state").where("id", "=", gate).executeTakeFirst();
}
