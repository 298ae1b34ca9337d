import { digestOfJson } from "../domain/digest.ts";
import { builtInPolicies } from "../domain/built-in-policies.ts";
import type { Policy } from "../domain/policy.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

/**
 * Publishes the policies that come with the product, once each. Throws when one is there with
 * another text: a published policy never changes, a new text needs a new version.
 */
export async function publishBuiltInPolicies(db: Db): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const published: Policy[] = [];
    for (const policy of Object.values(builtInPolicies)) {
      const digest = digestOfJson(policy);
      const row = await trx
        .insertInto("policies")
        .values({
          id: policy.id,
          version: policy.version,
          digest,
          body: JSON.stringify(policy),
          published_by: "countersign",
        })
        .onConflict((conflict) => conflict.columns(["id", "version"]).doNothing())
        .returning("id")
        .executeTakeFirst();
      if (row) {
        published.push(policy);
        continue;
      }
      const present = await trx
        .selectFrom("policies")
        .select("digest")
        .where("id", "=", policy.id)
        .where("version", "=", policy.version)
        .executeTakeFirst();
      if (present?.digest !== digest)
        throw new Error(
          `The policy ${policy.id} ${policy.version} is published with another text (${present?.digest}). Give the new text a new version.`,
        );
    }
    await appendAudit(
      trx,
      published.map((policy) => ({
        kind: "policy.published",
        actor: "countersign",
        model: null,
        subject: `${policy.id}.${policy.version}`,
        data: { digest: digestOfJson(policy), title: policy.title },
      })),
    );
  });
}
