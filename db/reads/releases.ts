import { sql } from "kysely";
import type { ModelName, ReleaseId } from "../../domain/ids.ts";
import type { ReleaseState } from "../../domain/lifecycle.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import { beyond, type PageOf } from "./page.ts";
import { readableThrough, type ReadScope } from "../rights.ts";

export type ReleaseRow = Row<"releases"> & {
  place: string;
  owner_team: string;
  version: string | null;
  /** Of a queued release: the model's release that is under way. */
  ahead: Pick<Row<"releases">, "id" | "blocked"> | null;
};

export interface ReleaseFilter {
  id?: ReleaseId | undefined;
  model?: ModelName | undefined;
  state?: ReleaseState | undefined;
  /** Those that have not ended. */
  underWay?: boolean | undefined;
}

/** The releases that the scope covers, newest first. */
export async function readReleases(db: Db, scope: ReadScope, page: PageOf & ReleaseFilter): Promise<ReleaseRow[]> {
  const { rows } = await sql<ReleaseRow>`
    select r.*, r.created_at::text as place, o.owner_team, v.id as version,
      case when r.state = 'queued' then (
        select jsonb_build_object('id', a.id, 'blocked', a.blocked) from releases a
        where a.model = r.model and a.state in ('running', 'waiting', 'blocked') limit 1) end as ahead
    from releases r join models o on o.name = r.model left join versions v on v.release_id = r.id
    where ${readableThrough(scope, "r.model")}
      and ${page.id === undefined ? sql`true` : sql`r.id = ${page.id}`}
      and ${page.model === undefined ? sql`true` : sql`r.model = ${page.model}`}
      and ${page.state === undefined ? sql`true` : sql`r.state = ${page.state}`}
      and ${page.underWay === true ? sql`r.state <> 'ended'` : sql`true`}
      and ${beyond(page.after, { at: "r.created_at", id: "r.id" })}
    order by r.created_at desc, r.id desc limit ${page.limit}`.execute(db);
  return rows;
}

export type ReleaseGateRow = Pick<Row<"gates">, "id" | "name" | "state" | "resolution"> & {
  deadline: string;
};

export interface ReleaseFacts {
  stages: Row<"release_stages">[];
  gates: ReleaseGateRow[];
  contributors: { principal: string; how: string }[];
}

export async function readReleaseFacts(db: Db, release: ReleaseId): Promise<ReleaseFacts> {
  const [stages, gates, contributors] = await Promise.all([
    db.selectFrom("release_stages").selectAll().where("release_id", "=", release).execute(),
    sql<ReleaseGateRow>`
      select id, name, state, resolution, request ->> 'deadline' as deadline from gates
      where release_id = ${release} order by created_at, number`.execute(db),
    db
      .selectFrom("contributors")
      .select(["principal_id as principal", "how"])
      .where("release_id", "=", release)
      .orderBy("at")
      .orderBy("principal_id")
      .execute(),
  ]);
  return { stages, gates: gates.rows, contributors };
}

export async function readFolding(db: Db, command: string): Promise<{ release: ReleaseId; folded: boolean } | undefined> {
  return db
    .selectFrom("release_requests")
    .select(["release_id as release", "folded"])
    .where("command_id", "=", command)
    .executeTakeFirst();
}

export async function releaseExists(db: Db, release: ReleaseId): Promise<boolean> {
  return (await db.selectFrom("releases").select("id").where("id", "=", release).executeTakeFirst()) !== undefined;
}

/** How it stands, for whoever may know of it already. */
export function readReleaseState(db: Db, release: ReleaseId): Promise<Pick<Row<"releases">, "state" | "outcome"> | undefined> {
  return db.selectFrom("releases").select(["state", "outcome"]).where("id", "=", release).executeTakeFirst();
}
