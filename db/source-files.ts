import { digestOf } from "../domain/digest.ts";
import { sql } from "kysely";
import type { Digest, ModelName, VersionId } from "../domain/ids.ts";
import type { SourceManifest } from "../domain/stage-results.ts";
import type { Db } from "./database.ts";

/** What was read of a place the last time, and what told that content from others. */
export interface SourceFileRow {
  fingerprint: string;
  digest: Digest;
  bytes: number;
  content: Pick<SourceManifest, "format" | "rows" | "columns">;
}

/** Remembers readings of source files between releases. */
export function createSourceFiles(db: Db) {
  return {
    recall: async (place: string): Promise<SourceFileRow | null> => {
      const row = await db.selectFrom("source_files").selectAll().where("place", "=", keyOf(place)).executeTakeFirst();
      if (row === undefined) return null;
      return { fingerprint: row.fingerprint, digest: row.digest, bytes: Number(row.bytes), content: row.content };
    },
    keep: async (place: string, { fingerprint, digest, bytes, content }: SourceFileRow): Promise<void> => {
      const values = { fingerprint, digest, bytes, content: JSON.stringify(content), read_at: new Date() };
      await db
        .insertInto("source_files")
        .values({ place: keyOf(place), ...values })
        .onConflict((conflict) => conflict.column("place").doUpdateSet(values))
        .execute();
    },
  };
}

/** A place may be an address with a key in it: only its digest is kept. */
function keyOf(place: string): string {
  return digestOf(place);
}

/** The profile of the data that made a slot's champion; null without a champion, or where its release kept none. */
export async function readChampionData(
  db: Db,
  { model, environment }: { model: ModelName; environment: string },
): Promise<{ version: VersionId; profile: Digest } | null> {
  const { rows } = await sql<{ version: VersionId; profile: Digest | null }>`
    select v.id as version, r.result ->> 'profile' as profile
    from slots s
    join versions v on v.id = s.champion_version
    join release_stages r on r.release_id = v.release_id and r.stage = 'ingest'
    where s.model = ${model} and s.environment = ${environment}`.execute(db);
  const [row] = rows;
  return row?.profile == null ? null : { version: row.version, profile: row.profile };
}
