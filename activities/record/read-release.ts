import type { Digest, GateId, ModelName, ReleaseId, VersionId } from "../../domain/ids.ts";
import type { ReleaseOutcome, ReleaseState } from "../../domain/lifecycle.ts";
import type { RecordDeps } from "./deps.ts";
import { reading } from "./transaction.ts";

export async function readRelease(
  { db }: RecordDeps,
  { release }: { release: ReleaseId },
): Promise<{ state: ReleaseState; outcome: ReleaseOutcome | null; changes: GateId | null } | null> {
  return reading(async () => {
    const row = await db.selectFrom("releases").select(["state", "outcome"]).where("id", "=", release).executeTakeFirst();
    if (!row) return null;
    const gate = await db
      .selectFrom("gates")
      .select("id")
      .where("release_id", "=", release)
      .where("resolution", "=", "changes-requested")
      .orderBy("closed_at", "desc")
      .executeTakeFirst();
    return { ...row, changes: gate?.id ?? null };
  });
}

/** The champion of a slot with the digests that an evaluation needs; null while there is none. */
export async function readChampion(
  { db }: RecordDeps,
  { model, environment }: { model: ModelName; environment: string },
): Promise<{ version: VersionId; onnx: Digest; features: Digest } | null> {
  return reading(async () => {
    const row = await db
      .selectFrom("slots")
      .innerJoin("versions", "versions.id", "slots.champion_version")
      .select(["versions.id", "versions.manifest"])
      .where("slots.model", "=", model)
      .where("slots.environment", "=", environment)
      .executeTakeFirst();
    return row ? { version: row.id, onnx: row.manifest.onnx, features: row.manifest.features } : null;
  });
}
