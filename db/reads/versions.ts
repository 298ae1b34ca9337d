import { sql } from "kysely";
import type { Digest, ModelName, VersionId } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import { beyond, type PageOf } from "./page.ts";
import { readableThrough, type ReadScope } from "../rights.ts";

export type VersionRow = Row<"versions"> & { place: string };

/** The versions that the scope covers, newest first. */
export async function readVersions(
  db: Db,
  scope: ReadScope,
  page: PageOf & { id?: VersionId | undefined; model?: ModelName | undefined },
): Promise<VersionRow[]> {
  const { rows } = await sql<VersionRow>`
    select v.*, v.created_at::text as place from versions v
    where ${readableThrough(scope, "v.model")}
      and ${page.id === undefined ? sql`true` : sql`v.id = ${page.id}`}
      and ${page.model === undefined ? sql`true` : sql`v.model = ${page.model}`}
      and ${beyond(page.after, { at: "v.created_at", id: "v.id" })}
    order by v.created_at desc, v.id desc limit ${page.limit}`.execute(db);
  return rows;
}

/** Undefined where the model has no such version. */
export async function readVersionDigest(db: Db, of: { model: ModelName; version: VersionId }): Promise<Digest | undefined> {
  const row = await db
    .selectFrom("versions")
    .select("digest")
    .where("model", "=", of.model)
    .where("id", "=", of.version)
    .executeTakeFirst();
  return row?.digest;
}

export type ApprovalRow = Row<"approvals"> & { by: string[] };

export async function readApprovals(db: Db, versions: VersionId[]): Promise<ApprovalRow[]> {
  const { rows } = await sql<ApprovalRow>`
    select a.*, case when a.kind = 'break-glass' then array[a.command ->> 'principal'] else
      array(select d.principal_id from decisions d where d.gate_id = a.gate_id and d.counted and d.decision = 'approve' order by d.decided_at) end as by
    from approvals a where a.version_id = any(${versions}::text[]) order by a.at`.execute(db);
  return rows;
}

/** Slots in which one of these is champion. */
export async function readChampionships(db: Db, versions: VersionId[]): Promise<{ version: VersionId; environment: string }[]> {
  if (versions.length === 0) return [];
  const rows = await db
    .selectFrom("slots")
    .select(["champion_version", "environment"])
    .where("champion_version", "in", versions)
    .execute();
  return rows.flatMap(({ champion_version, environment }) =>
    champion_version === null ? [] : [{ version: champion_version, environment }],
  );
}

export type ServiceRow = Row<"deployments"> & { until: Date | null };

/** When and where a version served: each deployment of it, until the slot's next one or until it was taken out of service. */
export async function readService(db: Db, version: VersionId): Promise<ServiceRow[]> {
  const { rows } = await sql<ServiceRow>`
    select * from (
      select d.*, least(lead(d.at) over (partition by d.model, d.environment order by d.epoch), (
        select min(a.at) from audit a where a.kind = 'deployment.withdrawn' and a.model = d.model and a.subject = d.version_id
          and a.body::jsonb -> 'data' ->> 'environment' = d.environment and (a.body::jsonb -> 'data' ->> 'epoch')::int > d.epoch)) as until
      from deployments d where (d.model, d.environment) in (select model, environment from deployments where version_id = ${version})
    ) served where version_id = ${version} order by at desc`.execute(db);
  return rows;
}
