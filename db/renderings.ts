import type { Surface } from "../domain/principal.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { Db } from "./database.ts";

export async function isRendering(db: Db, gate: GateId, digest: Digest): Promise<boolean> {
  const row = await db
    .selectFrom("renderings")
    .select("digest")
    .where("gate_id", "=", gate)
    .where("digest", "=", digest)
    .executeTakeFirst();
  return row !== undefined;
}

/** Keeps that something with this digest was shown of a gate; what was shown before is kept once. */
export async function keepRendering(
  db: Db,
  rendering: { gate: GateId; digest: Digest; mediaType: string; surface: Surface; to: string },
): Promise<void> {
  const { gate, digest, mediaType, surface, to } = rendering;
  await db
    .insertInto("renderings")
    .values({ gate_id: gate, digest, media_type: mediaType, surface, first_for: to })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
