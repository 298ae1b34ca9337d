import { sql } from "kysely";
import type { MonitorWindow } from "../../domain/evidence.ts";
import { reviewName } from "../../domain/break-glass.ts";
import type { GateId, ModelName } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import { beyond, type PageOf } from "./page.ts";
import { readableModel, type ReadScope } from "./scope.ts";

export type ModelRow = Row<"models"> & { place: string };
export interface ModelFacts {
  slots: Row<"slots">[];
  active: { model: ModelName; id: string }[];
  /** The newest look at each slot's enrolled version. */
  windows: { model: ModelName; environment: string; at: Date; body: MonitorWindow }[];
  /** How often the glass was broken, counted by what was done and not by requests that were asked anew. */
  breakGlass: { model: ModelName; total: number; overdue: number; open: GateId[] }[];
}

/** The models that the scope covers, newest first; with `name` only that one. */
export async function readModels(db: Db, scope: ReadScope, page: PageOf & { name?: ModelName | undefined }): Promise<ModelRow[]> {
  const { rows } = await sql<ModelRow>`
    select m.*, m.created_at::text as place from models m
    where ${readableModel(scope)} and ${page.name === undefined ? sql`true` : sql`m.name = ${page.name}`}
      and ${beyond(page.after, { at: "m.created_at", id: "m.name" })}
    order by m.created_at desc, m.name desc limit ${page.limit}`.execute(db);
  return rows;
}

export async function readModelFacts(db: Db, models: ModelName[]): Promise<ModelFacts> {
  if (models.length === 0) return { slots: [], active: [], windows: [], breakGlass: [] };
  const [slots, active, windows, breakGlass] = await Promise.all([
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
  ]);
  return { slots, active, windows: windows.rows, breakGlass: breakGlass.rows };
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
