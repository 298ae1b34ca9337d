import { sql } from "kysely";
import type { AuditEvent } from "../domain/audit-events.ts";
import { builtInPolicies } from "../domain/built-in-policies.ts";
import { digestOfJson } from "../domain/digest.ts";
import type { PrincipalId } from "../domain/ids.ts";
import { choosePolicy, newestVersions, type PolicyScope, type PublishedPolicy } from "../domain/policy-choice.ts";
import { decidersOf } from "../domain/policy-deciders.ts";
import { maturities, tiers, type Policy } from "../domain/policy.ts";
import { appendAudit } from "./audit.ts";
import type { Db, Trx } from "./database.ts";
import type { Row } from "./schema.ts";

/** Any number that no other lock has: "csgp". Publishing is rare, and which policy is in force depends on all of them. */
const lockKey = 0x63736770;

/** Until the transaction ends nobody else publishes or proposes. */
export async function lockPolicies(trx: Trx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${lockKey})`.execute(trx);
}

/** Publishes a version and says anew which policies are in force. Gives the audit record to append. Lock before. */
export async function publishPolicy(trx: Trx, policy: Policy, by: PrincipalId | "countersign"): Promise<AuditEvent> {
  const digest = digestOfJson(policy);
  await trx
    .insertInto("policies")
    .values({ id: policy.id, version: policy.version, digest, body: JSON.stringify(policy), published_by: by })
    .execute();
  await putInForce(trx);
  const data = { digest, title: policy.title };
  return { kind: "policy.published", actor: by, model: null, subject: `${policy.id}.${policy.version}`, data };
}

/**
 * Publishes the policies that come with the product, once each. Throws when one is there with
 * another text: a published policy never changes, a new text needs a new version.
 */
export async function publishBuiltInPolicies(db: Db): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockPolicies(trx);
    const present = await trx.selectFrom("policies").select(["id", "version", "digest"]).execute();
    const events: AuditEvent[] = [];
    for (const policy of builtInPolicies) {
      const row = present.find((one) => one.id === policy.id && one.version === policy.version);
      if (!row) events.push(await publishPolicy(trx, policy, "countersign"));
      else if (row.digest !== digestOfJson(policy))
        throw new Error(
          `The policy ${policy.id} ${policy.version} is published with another text (${row.digest}). Give the new text a new version.`,
        );
    }
    await putInForce(trx);
    await appendAudit(trx, events);
  });
}

/** The policy that governs a model of this tier, maturity and team; undefined where none was published for it. */
export async function readPolicyInForce(db: Db, { tier, maturity, team }: PolicyScope): Promise<Row<"policies"> | undefined> {
  return db
    .selectFrom("policies_in_force as f")
    .innerJoin("policies as p", (join) => join.onRef("p.id", "=", "f.policy_id").onRef("p.version", "=", "f.policy_version"))
    .selectAll("p")
    .where("f.tier", "=", tier)
    .where("f.maturity", "=", maturity)
    .where("f.team", "in", ["", team])
    .orderBy("f.team", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** Everything that was published, for what is chosen among it. */
export async function readPublished(db: Db): Promise<PublishedPolicy[]> {
  const rows = await db.selectFrom("policies").select(["body", "published_at"]).execute();
  return rows.map((row) => ({ policy: row.body, publishedAt: row.published_at.toISOString() }));
}

async function putInForce(trx: Trx): Promise<void> {
  const published = await readPublished(trx);
  const rows = cells(published).flatMap((scope) => {
    const policy = choosePolicy(published, scope);
    if (!policy || (scope.team !== "" && !policy.teams?.includes(scope.team))) return [];
    const { groups, people } = decidersOf(policy);
    return [{ ...scope, policy_id: policy.id, policy_version: policy.version, decider_groups: groups, decider_people: people }];
  });
  await trx.deleteFrom("policies_in_force").execute();
  if (rows.length > 0) await trx.insertInto("policies_in_force").values(rows).execute();
}

function cells(published: PublishedPolicy[]): PolicyScope[] {
  const teams = new Set(["", ...newestVersions(published).flatMap(({ policy }) => policy.teams ?? [])]);
  return tiers.flatMap((tier) => maturities.flatMap((maturity) => [...teams].map((team) => ({ tier, maturity, team }))));
}
