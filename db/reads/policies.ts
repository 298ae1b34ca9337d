import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import type { Digest } from "../../domain/ids.ts";

/** Published policies by id, the newest version first. */
export async function readPolicies(db: Db, page: { limit: number; offset: number }): Promise<Row<"policies">[]> {
  return db
    .selectFrom("policies")
    .selectAll()
    .orderBy("id")
    .orderBy("version", "desc")
    .offset(page.offset)
    .limit(page.limit)
    .execute();
}

/** All versions of one, the newest first. */
export async function readVersionsOf(db: Db, policy: string): Promise<Row<"policies">[]> {
  return db.selectFrom("policies").selectAll().where("id", "=", policy).orderBy("version", "desc").execute();
}

export async function readInForce(db: Db): Promise<Row<"policies_in_force">[]> {
  return db.selectFrom("policies_in_force").selectAll().orderBy("tier").orderBy("maturity").orderBy("team").execute();
}

/** The version that waits at its gate, if there is one. */
export async function readWaitingProposal(db: Db, policy: string): Promise<Row<"policy_proposals"> | undefined> {
  return db
    .selectFrom("policy_proposals as p")
    .innerJoin("gates as g", "g.id", "p.gate_id")
    .selectAll("p")
    .where("p.policy_id", "=", policy)
    .where("g.state", "<>", "closed")
    .executeTakeFirst();
}

/** Whether a gate about the definition of a model waits. */
export async function definitionWaits(db: Db, model: string): Promise<boolean> {
  const row = await db
    .selectFrom("gates")
    .select("id")
    .where("model", "=", model)
    .where("subject_kind", "=", "definition")
    .where("state", "<>", "closed")
    .executeTakeFirst();
  return row !== undefined;
}

/** A release with who contributed to it and which team owns its model, for what a policy would ask of it. */
export async function readReleaseForOutlook(
  db: Db,
  release: string,
): Promise<{ row: Row<"releases">; team: string; contributors: { principal: string; how: string }[] } | null> {
  const row = await db.selectFrom("releases").selectAll().where("id", "=", release).executeTakeFirst();
  if (!row) return null;
  const model = await db.selectFrom("models").select("owner_team").where("name", "=", row.model).executeTakeFirstOrThrow();
  const contributors = await db
    .selectFrom("contributors")
    .select(["principal_id as principal", "how"])
    .where("release_id", "=", release)
    .orderBy("at")
    .orderBy("how")
    .execute();
  return { row, team: model.owner_team, contributors };
}

/** Whether the signed command is kept that put this definition or policy in force. */
export async function hasSubjectCommand(db: Db, digest: Digest): Promise<boolean> {
  const row = await db.selectFrom("subject_commands").select("command_id").where("digest", "=", digest).executeTakeFirst();
  return row !== undefined;
}
