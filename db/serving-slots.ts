import { sql } from "kysely";
import { CountersignError } from "../domain/errors.ts";
import type { Digest, ModelName, VersionId } from "../domain/ids.ts";
import type { ModelState } from "../domain/lifecycle.ts";
import type { VersionManifest } from "../domain/stage-results.ts";
import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

export interface ServedModel {
  name: ModelName;
  state: ModelState;
}

export interface SlotRow {
  model: ModelName;
  environment: string;
  epoch: number;
  champion: VersionId | null;
  /** Up to `recentVersions` that served here before, the last one first: what a rollback goes to. */
  recent: VersionId[];
}

const recentVersions = 3;

export interface ServedModels {
  models: ServedModel[];
  slots: SlotRow[];
  /** The versions of the releases that are under way: perhaps the next champions. */
  candidates: VersionId[];
}

/** All models and slots in one statement: serving asks four times a second. */
export async function readServedModels(db: Db): Promise<ServedModels> {
  const { rows } = await sql<{
    name: string;
    state: ModelState;
    environment: string | null;
    epoch: string | null;
    champion_version: string | null;
    recent: string[];
    candidates: string[];
  }>`
    select m.name, m.state,
      s.environment, s.epoch::text, s.champion_version,
      array(
        select d.version_id from deployments d
        where d.model = s.model and d.environment = s.environment and d.version_id <> s.champion_version
        group by d.version_id order by max(d.epoch) desc limit ${recentVersions}
      ) as recent,
      array(
        select v.id from releases r join versions v on v.release_id = r.id
        where r.model = m.name and r.state in ('running', 'waiting', 'blocked')
      ) as candidates
    from models m left join slots s on s.model = m.name
    order by m.name, s.environment`.execute(db);
  const models = new Map<ModelName, ServedModel>();
  const slots: SlotRow[] = [];
  for (const row of rows) {
    models.set(row.name, { name: row.name, state: row.state });
    if (row.environment === null || row.epoch === null) continue;
    slots.push({
      model: row.name,
      environment: row.environment,
      epoch: Number(row.epoch),
      champion: row.champion_version,
      recent: row.recent,
    });
  }
  return { models: [...models.values()], slots, candidates: rows.flatMap((row) => row.candidates) };
}

/** What the approval of a version is compared with. Throws `not-found`. */
export async function readApprovedVersion(
  db: Db,
  version: VersionId,
): Promise<Pick<Row<"versions">, "id" | "model" | "release_id" | "digest" | "manifest" | "evaluation">> {
  const row = await db
    .selectFrom("versions")
    .select(["id", "model", "release_id", "digest", "manifest", "evaluation"])
    .where("id", "=", version)
    .executeTakeFirst();
  if (row === undefined) throw new CountersignError("not-found", `There is no version ${version}.`);
  return row;
}

/** What a version is made of. Throws `not-found`. */
export async function readVersionManifest(db: Db, version: VersionId): Promise<{ manifest: VersionManifest; digest: Digest }> {
  const { rows } = await sql<{
    manifest: VersionManifest;
    digest: Digest;
  }>`select manifest, digest from versions where id = ${version}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new CountersignError("not-found", `There is no version ${version}.`);
  return row;
}

/** The reference profile that the monitor stage of the version's release kept; null before that. */
export async function readProfileDigest(db: Db, version: VersionId): Promise<Digest | null> {
  const row = await db
    .selectFrom("release_stages")
    .innerJoin("versions", "versions.release_id", "release_stages.release_id")
    .select("release_stages.result")
    .where("versions.id", "=", version)
    .where("release_stages.stage", "=", "monitor")
    .executeTakeFirst();
  const profile = row?.result?.["profile"];
  // A digest by its origin: the stage's own result.
  return typeof profile === "string" ? (profile as Digest) : null;
}
