import type { Db } from "../../db/database.ts";
import type { ModelName, ReleaseId } from "../../domain/ids.ts";
import type { RecalledModel } from "../contract.ts";
import type { RecordDeps } from "./deps.ts";
import { hasParameters } from "../../domain/release-parameters.ts";
import { reading } from "./transaction.ts";

export async function recallModel({ db }: RecordDeps, { model }: { model: ModelName }): Promise<RecalledModel> {
  return reading(async () => {
    const row = await db.selectFrom("models").select("definition_digest").where("name", "=", model).executeTakeFirst();
    const releases = await db
      .selectFrom("releases")
      .select(["id", "number", "state", "definition_digest", "parameters"])
      .where("model", "=", model)
      .where("state", "<>", "ended")
      .orderBy("number")
      .execute();
    const last = await db
      .selectFrom("releases")
      .select(["id", "number", "outcome", "next"])
      .where("model", "=", model)
      .orderBy("number", "desc")
      .limit(1)
      .executeTakeFirst();
    const found = releases.map((release) => ({
      state: release.state,
      slotted: { release: release.id, definition: release.definition_digest, hasParameters: hasParameters(release.parameters) },
    }));
    return {
      nextNumber: (last?.number ?? 0) + 1,
      definition: row?.definition_digest ?? null,
      active: found.find((one) => one.state !== "queued")?.slotted ?? null,
      queued: found.find((one) => one.state === "queued")?.slotted ?? null,
      unsucceeded: last?.outcome === "changes-requested" && last.next === null ? await readParent(db, last.id) : null,
    };
  });
}

async function readParent(db: Db, release: ReleaseId): Promise<NonNullable<RecalledModel["unsucceeded"]> | null> {
  const gate = await db
    .selectFrom("gates")
    .select("id")
    .where("release_id", "=", release)
    .where("resolution", "=", "changes-requested")
    .executeTakeFirst();
  return gate ? { release, gate: gate.id } : null;
}
