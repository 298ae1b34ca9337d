import { sql, type RawBuilder } from "kysely";
import type { GateRequest, GateState } from "../../domain/gate.ts";
import type { GateId, ModelName } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import {
  isNamed,
  isWithinReach,
  mayDecide,
  readableThrough,
  readReach,
  readsAsDelegate,
  readsGate,
  type ReadScope,
} from "../rights.ts";
import type { Row } from "../schema.ts";
import { beyond, type PageOf } from "./page.ts";

/** A gate without its evidence. */
export type GateRow = Omit<Row<"gates">, "request"> & { place: string };

export interface GateRowFilter {
  state?: GateState | undefined;
  model?: ModelName | undefined;
  /** Only those on which an approval at this moment would be taken. */
  decidableAt?: string | undefined;
}

const columns = sql.raw<unknown>(
  `g.id, g.release_id, g.model, g.name, g.number, g.subject_kind, g.subject_id, g.subject_digest, g.state, g.resolution,
    g.request_digest, g.superseded_by, g.created_at, g.opened_at, g.closed_at, g.escalation_level, g.reminders,
    g.overdue_since, g.stale, g.undecidable, g.outcome, g.terms, g.recommendation, g.decisions_until,
    g.decider_groups, g.escalation_groups, g.decider_people, g.barred_groups, g.barred_people, g.excluded_people,
    g.machines_decide, g.owner_team, g.created_at::text as place`,
);

/** The gates that the scope covers, newest first. */
export async function readGates(db: Db, scope: ReadScope, page: PageOf & GateRowFilter): Promise<GateRow[]> {
  const filters = sql`${page.state === undefined ? sql`true` : stateIs(page.state)}
    and ${page.model === undefined ? sql`true` : sql`g.model = ${page.model}`}
    and ${beyond(page.after, { at: "g.created_at", id: "g.id" })}`;
  // Each by itself, so that each has its own index, and ends once it has its page.
  const picked = (await branchesOf(db, scope, page.decidableAt)).map(
    // What costs a look-up a gate is asked of the newest until the page is full, and not of all (108 ms of ten thousand).
    ({ reached, asked }) =>
      asked === undefined
        ? sql`(select g.id from gates g where ${reached} and ${filters} order by g.created_at desc, g.id desc limit ${page.limit})`
        : sql`(select g.id from (
            select g.* from gates g where ${reached} and ${filters} order by g.created_at desc, g.id desc offset 0) g
          where ${asked} order by g.created_at desc, g.id desc limit ${page.limit})`,
  );
  const { rows } = await sql<GateRow>`
    select ${columns} from (${sql.join(picked, sql` union `)}) as picked join gates g on g.id = picked.id
    order by g.created_at desc, g.id desc limit ${page.limit}`.execute(db);
  return rows;
}

/** The partial indices are of what is not closed. */
function stateIs(state: GateState): RawBuilder<boolean> {
  return state === "closed" ? sql<boolean>`g.state = 'closed'` : sql<boolean>`(g.state <> 'closed' and g.state = ${state})`;
}

/** What makes a gate stand in the list: what an index finds, and what is then asked of each. */
interface Branch {
  reached: RawBuilder<boolean>;
  asked?: RawBuilder<boolean>;
}

async function branchesOf(db: Db, scope: ReadScope, decidableAt: string | undefined): Promise<Branch[]> {
  if (decidableAt === undefined && scope.all) return [{ reached: sql<boolean>`true` }];
  const reach = await readReach(db, scope.principal);
  const within = isWithinReach(reach);
  const waiting = sql<boolean>`g.state <> 'closed' and ${within}`;
  if (decidableAt !== undefined) return [{ reached: waiting, asked: mayDecide(scope.principal, decidableAt) }];
  const asked = readsAsDelegate(scope.principal);
  return [
    { reached: readableThrough(scope, "g.model") },
    { reached: sql<boolean>`g.model is null and ${isNamed(scope)}` },
    // Who owned the model when it was frozen, and may escalate it.
    { reached: sql<boolean>`g.owner_team = any(${scope.groups}::text[])` },
    ...(reach.delegated
      ? [
          { reached: waiting, asked },
          { reached: sql<boolean>`g.state = 'closed' and g.closed_at >= now() - interval '61 days' and ${within}`, asked },
        ]
      : []),
  ];
}

/** One gate with its evidence; undefined where there is none, or the scope does not cover it. */
export async function readGate(
  db: Db,
  scope: ReadScope,
  gate: GateId,
): Promise<{ row: GateRow; evidence: GateRequest["evidence"] } | undefined> {
  const { rows } = await sql<GateRow & { evidence: GateRequest["evidence"] }>`
    select ${columns}, g.request -> 'evidence' as evidence from gates g where g.id = ${gate} and ${readsGate(scope)}`.execute(db);
  const [found] = rows;
  if (!found) return undefined;
  const { evidence, ...row } = found;
  return { row, evidence };
}

export async function gateVisible(db: Db, scope: ReadScope, gate: GateId): Promise<boolean> {
  const { rows } = await sql`select 1 from gates g where g.id = ${gate} and ${readsGate(scope)}`.execute(db);
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
