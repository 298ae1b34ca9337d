import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import { readPolicyInForce } from "../../db/policies.ts";
import type { PinnedRelease } from "../contract.ts";

/** The policy that governs a model now. */
export async function newestPolicy(
  trx: Trx,
  model: Pick<Row<"models">, "tier" | "maturity" | "owner_team">,
): Promise<Row<"policies">> {
  const { tier, maturity, owner_team: team } = model;
  const policy = await readPolicyInForce(trx, { tier, maturity, team });
  if (!policy)
    throw new CountersignError("internal", `No policy is published for the tier ${tier} and the maturity ${maturity}.`);
  return policy;
}

/** What a release is pinned to, from its row. Throws `not-found`. */
export async function readPinned(trx: Trx, release: string): Promise<PinnedRelease> {
  const row = await trx
    .selectFrom("releases")
    .innerJoin("policies", (join) =>
      join.onRef("policies.id", "=", "releases.policy_id").onRef("policies.version", "=", "releases.policy_version"),
    )
    .innerJoin("definitions", (join) =>
      join.onRef("definitions.model", "=", "releases.model").onRef("definitions.digest", "=", "releases.definition_digest"),
    )
    .select(["releases.definition_digest", "releases.parameters", "policies.body as policy", "definitions.body as definition"])
    .where("releases.id", "=", release)
    .executeTakeFirst();
  if (!row) throw new CountersignError("not-found", `There is no release ${release}.`);
  return {
    ok: true,
    definition: row.definition_digest,
    parameters: row.parameters,
    tier: row.definition.tier,
    environment: row.definition.deploy.environment,
    gates: row.policy.gates,
    skippable: row.policy.skippable,
  };
}

/** The release's row, locked until the transaction ends. Always taken before the row of a gate, so that nobody waits in a circle. */
export async function lockRelease(trx: Trx, release: string): Promise<Row<"releases"> | undefined> {
  return trx.selectFrom("releases").selectAll().where("id", "=", release).forNoKeyUpdate().executeTakeFirst();
}

/** The same; throws `not-found`. */
export async function needRelease(trx: Trx, release: string): Promise<Row<"releases">> {
  const row = await lockRelease(trx, release);
  if (!row) throw new CountersignError("not-found", `There is no release ${release}.`);
  return row;
}
