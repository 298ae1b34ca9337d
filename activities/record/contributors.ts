import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";

/** `how` completes "…, who …" and is shown to the person whom it bars from deciding. */
export async function addContributor(trx: Trx, release: string, contributor: { principal: string; how: string }): Promise<void> {
  await trx
    .insertInto("contributors")
    .values({ release_id: release, principal_id: contributor.principal, how: contributor.how })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Who stands behind a release before any stage ran: by its model, its definition, its policy. */
export async function addStandingContributors(
  trx: Trx,
  release: Pick<Row<"releases">, "id" | "model" | "definition_digest">,
  policy: Row<"policies">,
): Promise<void> {
  const add = (principal: string, how: string) => addContributor(trx, release.id, { principal, how });
  const model = await trx.selectFrom("models").select("owner_person").where("name", "=", release.model).executeTakeFirstOrThrow();
  await add(model.owner_person, "is the named owner of the model");
  for (const person of await definers(trx, release)) await add(person, "last changed the definition");
  const publisher = await trx.selectFrom("principals").select("kind").where("id", "=", policy.published_by).executeTakeFirst();
  if (publisher?.kind === "person") await add(policy.published_by, "published the policy");
}

/** Who wrote this definition first, and who put it in force last: an old one may have been applied again by somebody else. */
async function definers(trx: Trx, release: Pick<Row<"releases">, "model" | "definition_digest">): Promise<Set<string>> {
  const written = await trx
    .selectFrom("definitions")
    .select("applied_by")
    .where("model", "=", release.model)
    .where("digest", "=", release.definition_digest)
    .executeTakeFirstOrThrow();
  const applied = await trx
    .selectFrom("audit")
    .select("actor")
    .where("model", "=", release.model)
    .where("kind", "=", "definition.applied")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  return new Set(applied ? [written.applied_by, applied.actor] : [written.applied_by]);
}
