import { sql, type RawBuilder } from "kysely";
import type { ModelName, PrincipalId } from "../domain/ids.ts";
import type { Db } from "./database.ts";

/**
 * Who may read and who may decide: the one place that says it, as conditions that every query takes.
 * They ask rows only: what a frozen request says (columns of `gates`, written by triggers), who belonged
 * to which group since when, what was delegated until when, who contributed, who owns a model, which
 * policy is in force. `g` is a row of `gates`, `m` one of `models`, `v` a voice.
 */
export interface ReadScope {
  principal: PrincipalId;
  groups: string[];
  /** Who runs the platform reads everything. */
  all: boolean;
  /** The models that the principal reads, where lists need them: read once, and not asked row by row. */
  models: ModelName[] | null;
}

/** A reader by value, or by the columns of a query about several. */
export type Reader =
  | { principal: PrincipalId; groups: string[] }
  | { principal: RawBuilder<unknown>; groups: RawBuilder<unknown> };

/**
 * Over `models m`: its owner team, those who decide on its releases by the policy in force (one that names
 * the team goes before the one for all others), and whoever a frozen request about it named.
 */
export function readsModel({ principal, groups }: Reader): RawBuilder<boolean> {
  return sql<boolean>`(m.owner_team = any(${groups}::text[])
    or (m.tier, m.maturity, case when (m.tier, m.maturity, m.owner_team) in (select t.tier, t.maturity, t.team from policies_in_force t)
        then m.owner_team else '' end)
      in (select f.tier, f.maturity, f.team from policies_in_force f
        where f.decider_groups && ${groups}::text[] or ${principal} = any(f.decider_people))
    or exists (select from model_readers r where r.model = m.name and r.is_group and r.reader = any(${groups}::text[]))
    or exists (select from model_readers r where r.model = m.name and not r.is_group and r.reader = ${principal}))`;
}

/** The models that somebody reads who does not read everything. */
export async function readableModels(db: Db, reader: Pick<ReadScope, "principal" | "groups">): Promise<ModelName[]> {
  const { rows } = await sql<{ name: ModelName }>`
    select m.name from models m where ${readsModel(reader)}`.execute(db);
  return rows.map((row) => row.name);
}

/** Over a column that names a model, or holds null (which only those read who read everything). */
export function readableThrough({ all, models, principal, groups }: ReadScope, column: string): RawBuilder<boolean> {
  if (all) return sql<boolean>`true`;
  if (models !== null) return sql<boolean>`${sql.ref(column)} = any(${models}::text[])`;
  return sql<boolean>`exists (select from models m where m.name = ${sql.ref(column)} and ${readsModel({ principal, groups })})`;
}

/** Over `g`: a reader of its model, who is named, who may escalate it as its owner, and a delegate who may decide on it. */
export function readsGate(scope: ReadScope): RawBuilder<boolean> {
  if (scope.all) return sql<boolean>`true`;
  return sql<boolean>`(${readableThrough(scope, "g.model")} or ${isNamed(scope)} or ${readsAsDelegate(scope.principal)})`;
}

/** Over `g`: who may decide on it in another's name, and from then on what becomes of it. */
export function readsAsDelegate(principal: Reader["principal"]): RawBuilder<boolean> {
  return sql<boolean>`exists (select from ${voicesOf(principal)} v where v.delegation is not null and ${decidesInName(principal)}
    and coalesce(g.closed_at, 'infinity') >= v.since)`;
}

/** Over `g`: by its own request. What names them about a model has made them readers of the model. */
export function isNamed({ principal, groups }: Reader): RawBuilder<boolean> {
  return sql<boolean>`(g.decider_groups && ${groups}::text[] or ${principal} = any(g.decider_people)
    or g.owner_team = any(${groups}::text[]))`;
}

/**
 * In whose name somebody may speak at this moment: her own, and that of each person who delegated to
 * her, for one model or for all. `delegation` is null for her own voice.
 */
export function voicesOf(principal: Reader["principal"]): RawBuilder<unknown> {
  return sql`(
    select p.id as voice, p.kind, null::text as model, null::text as delegation, '-infinity'::timestamptz as since
    from principals p where p.id = ${principal} and p.active
    union all
    select d.from_principal, f.kind, d.model, d.id, d.since
    from delegations d join principals f on f.id = d.from_principal and f.active and f.kind = 'person'
      join principals t on t.id = d.to_principal and t.active
    where d.to_principal = ${principal} and d.revoked_at is null and now() between d.since and d.until)`;
}

/** What the voices of somebody can match at all, read beforehand so that a list is planned by what is known of it. */
export interface VoicesReach {
  people: PrincipalId[];
  groups: string[];
  /** Gates that opened before it are decided by none of these groups' members here; null: there are none. */
  since: Date | null;
  delegated: boolean;
}

export async function readReach(db: Db, principal: PrincipalId): Promise<VoicesReach> {
  const { rows } = await sql<VoicesReach>`
    select coalesce(array_agg(distinct v.voice), '{}') as people,
      coalesce(array_agg(distinct b.group_id) filter (where b.group_id is not null), '{}') as groups,
      min(b.since) as since, coalesce(bool_or(v.delegation is not null), false) as delegated
    from ${voicesOf(principal)} v left join group_members b on b.principal_id = v.voice and b.until is null`.execute(db);
  return rows[0] ?? { people: [], groups: [], since: null, delegated: false };
}

/** Over `g`: a cheap look that lets pass everything on which one of these voices may decide, and more. */
export function isWithinReach({ people, groups, since }: VoicesReach): RawBuilder<boolean> {
  // A millisecond earlier: a Date has no microseconds.
  const from = since === null ? "infinity" : new Date(since.getTime() - 1).toISOString();
  return sql<boolean>`(g.decider_people && ${people}::text[]
    or (g.decider_groups && ${groups}::text[] and coalesce(g.opened_at, g.created_at) >= ${from}::timestamptz))`;
}

/**
 * Over `g` and `v`: whether this voice decides on the gate. Who joined a group after the gate opened, who
 * left it, who is barred, and a delegate of somebody who contributed, does not.
 */
export function decidesInName(principal: Reader["principal"]): RawBuilder<boolean> {
  return sql<boolean>`((v.model is null or v.model = g.model)
    and ${decides(sql.ref("v.voice"), sql.ref("g.decider_groups"))} and (v.kind = 'person' or g.machines_decide)
    and not ${isBarred(sql`${principal}`)}
    and (v.delegation is null or not (${isBarred(sql.ref("v.voice"))} or ${contributed(sql.ref("v.voice"))})))`;
}

/** Over `g`: named, or a member since it opened of one of the groups. */
export function decides(who: RawBuilder<unknown>, groups: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(${who} = any(g.decider_people) or exists (${heldGroups(who, groups)}))`;
}

/** Over `g`: those of the groups to which somebody has belonged since it opened. */
export function heldGroups(who: RawBuilder<unknown>, groups: RawBuilder<unknown>): RawBuilder<{ group_id: string }> {
  return sql`select b.group_id from group_members b where b.principal_id = ${who} and b.until is null
    and b.since <= coalesce(g.opened_at, g.created_at) and b.group_id = any(${groups}) order by b.group_id`;
}

export function isBarred(who: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(${who} = any(g.barred_people) or (g.barred_groups <> '{}' and exists (
    select from group_members b where b.principal_id = ${who} and b.until is null and b.group_id = any(g.barred_groups))))`;
}

/** Over `g`: before its request was frozen, or since. */
export function contributed(who: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(${who} = any(g.excluded_people) or exists (
    select from contributors c where c.release_id = g.release_id and c.principal_id = ${who}))`;
}

/**
 * Over `g`: whether an approval by this person would be taken at this moment. The same as `refuseAttempt`
 * says of it, which also says why not; a test compares the two.
 */
export function mayDecide(principal: PrincipalId, at: string): RawBuilder<boolean> {
  return sql<boolean>`(g.state <> 'closed' and g.stale is null and g.superseded_by is null
    and (g.decisions_until is null or g.decisions_until >= ${at}::timestamptz)
    and not ${contributed(sql`${principal}`)}
    and not exists (select from votes w where w.gate_id = g.id and w.ended_at is null and w.principal_id = ${principal})
    and exists (select from ${voicesOf(principal)} v where ${decidesInName(principal)}
      and (v.delegation is null or not exists (select from votes w where w.gate_id = g.id and w.ended_at is null
        and (w.principal_id = v.voice or w.on_behalf_of = v.voice)))))`;
}
