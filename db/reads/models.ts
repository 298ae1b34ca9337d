import { sql } from "kysely";
import type { MonitorWindow } from "../../domain/evidence.ts";
import { reviewName } from "../../domain/break-glass.ts";
import type { GateId, ModelName, VersionId } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import { beyond, type PageOf } from "./page.ts";
import { readableThrough, type ReadScope } from "../rights.ts";

export type ModelRow = Row<"models"> & { place: string };
export interface ModelFacts {
  slots: Row<"slots">[];
  active: { model: ModelName; id: string }[];
  /** The newest look at each slot's enrolled version. */
  windows: { model: ModelName; environment: string; at: Date; body: MonitorWindow }[];
  /** How often the glass was broken, counted by what was done and not by requests that were asked anew. */
  breakGlass: { model: ModelName; total: number; overdue: number; open: GateId[] }[];
  /** Open gates about the model itself. */
  waiting: { model: ModelName; gate: GateId; about: "definition" | "retirement"; ask: string; deadline: string }[];
  /** A version that served and whose approval holds no more, until another one is promoted. */
  lapsed: { model: ModelName; environment: string; version: VersionId; at: Date; why: string }[];
  retired: { model: ModelName; at: Date; by: string; reason: string; gate: GateId | null }[];
}

/** The models that the scope covers, newest first; with `name` only that one. */
export async function readModels(db: Db, scope: ReadScope, page: PageOf & { name?: ModelName | undefined }): Promise<ModelRow[]> {
  const { rows } = await sql<ModelRow>`
    select m.*, m.created_at::text as place from models m
    where ${readableThrough(scope, "m.name")} and ${page.name === undefined ? sql`true` : sql`m.name = ${page.name}`}
      and ${beyond(page.after, { at: "m.created_at", id: "m.name" })}
    order by m.created_at desc, m.name desc limit ${page.limit}`.execute(db);
  return rows;
}

export async function readModelFacts(db: Db, models: ModelName[]): Promise<ModelFacts> {
  if (models.length === 0) return { slots: [], active: [], windows: [], breakGlass: [], waiting: [], lapsed: [], retired: [] };
  const [slots, active, windows, breakGlass, waiting, lapsed, retired] = await Promise.all([
    db.selectFrom("slots").selectAll().where("model", "in", models).orderBy("environment").execute(),
    db
      .selectFrom("releases")
      .select(["model", "id"])
      .where("model", "in", models)
      .where("state", "in", ["running", "waiting", "blocked"])
      .execute(),
    sql<ModelFacts["windows"][number]>`
      select distinct on (w.model, w.environment) w.model, w.environment, w.at, w.body
      from monitor_windows w join enrolments e using (model, environment, version_id)
      where w.model = any(${models}::text[]) order by w.model, w.environment, w.to_at desc`.execute(db),
    sql<ModelFacts["breakGlass"][number]>`
      select g.model, count(distinct g.subject_id)::int as total,
        count(*) filter (where g.state <> 'closed' and g.overdue_since is not null)::int as overdue,
        array(select o.id from gates o where o.model = g.model and o.name = ${reviewName} and o.state <> 'closed' order by o.number) as open
      from gates g where g.model = any(${models}::text[]) and g.name = ${reviewName} and g.release_id is null group by g.model`.execute(
      db,
    ),
    sql<ModelFacts["waiting"][number]>`
      select g.model, g.id as gate, g.subject_kind as about, g.request ->> 'ask' as ask, g.request ->> 'deadline' as deadline
      from gates g where g.model = any(${models}::text[]) and g.subject_kind in ('definition', 'retirement') and g.state <> 'closed'
      order by g.created_at`.execute(db),
    sql<ModelFacts["lapsed"][number]>`
      select distinct on (v.model, a.environment) v.model, a.environment, v.id as version, a.revoked_at as at, a.revoked_why as why
      from approvals a join versions v on v.id = a.version_id
      where v.model = any(${models}::text[]) and a.revoked_at is not null
        and exists (select 1 from deployments d where d.version_id = v.id and d.environment = a.environment)
        and not exists (select 1 from deployments d where d.model = v.model and d.environment = a.environment
          and d.kind = 'promote' and d.at > a.revoked_at)
      order by v.model, a.environment, a.revoked_at desc`.execute(db),
    sql<ModelFacts["retired"][number]>`
      select distinct on (a.model) a.model, a.at, a.actor as by, a.body::jsonb -> 'data' ->> 'reason' as reason, a.body::jsonb -> 'data' ->> 'gate' as gate
      from audit a where a.model = any(${models}::text[]) and a.kind = 'model.retired' order by a.model, a.seq desc`.execute(db),
  ]);
  return {
    slots,
    active,
    windows: windows.rows,
    breakGlass: breakGlass.rows,
    waiting: waiting.rows,
    lapsed: lapsed.rows,
    retired: retired.rows,
  };
}

export async function readDefinition(db: Db, model: Row<"models">): Promise<Row<"definitions"> | undefined> {
  return db
    .selectFrom("definitions")
    .selectAll()
    .where("model", "=", model.name)
    .where("digest", "=", model.definition_digest)
    .executeTakeFirst();
}

/** Whether a model has this name at all, for whoever asks on behalf of the system. */
export async function modelExists(db: Db, model: ModelName): Promise<boolean> {
  return (await db.selectFrom("models").select("name").where("name", "=", model).executeTakeFirst()) !== undefined;
}
