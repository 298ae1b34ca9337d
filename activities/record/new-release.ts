import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import type { ModelName, ReleaseId } from "../../domain/ids.ts";
import type { Trigger } from "../../domain/lifecycle.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
import type { Refused } from "../contract.ts";
import { refused } from "./carry-out.ts";
import { addStandingContributors } from "./contributors.ts";
import { newestPolicy } from "./pinned-release.ts";
import type { Unit } from "./transaction.ts";

export type ReleaseRow = Row<"releases">;
export type Numbered = { model: ModelName; release: ReleaseId; number: number };

/** Why a model takes no release now, or null. */
export async function refuseModel(trx: Trx, model: ModelName): Promise<Refused | null> {
  const row = await trx.selectFrom("models").select("state").where("name", "=", model).forShare().executeTakeFirst();
  if (!row) return refused("not-found", `There is no model ${model}.`);
  if (row.state === "paused") return refused("model-paused", `${model} is paused and takes no releases.`);
  if (row.state === "retired") return refused("model-retired", `${model} was retired.`);
  return null;
}

export async function refuseTaken(trx: Trx, release: ReleaseId): Promise<Refused | null> {
  const row = await trx.selectFrom("releases").select("id").where("id", "=", release).executeTakeFirst();
  return row ? refused("invalid", `${release} exists already; it was asked for by something else.`) : null;
}

export interface NewRelease extends Numbered {
  parent: ReleaseId | null;
  trigger: Trigger;
  reason: string;
  requestedBy: string;
  parameters: ReleaseParameters;
}

/** Pins the model's present definition and policy. */
export async function insertRelease({ trx }: Unit, release: NewRelease): Promise<void> {
  const model = await trx
    .selectFrom("models")
    .select(["definition_digest", "tier", "maturity", "owner_team"])
    .where("name", "=", release.model)
    .executeTakeFirstOrThrow();
  const policy = await newestPolicy(trx, model);
  const row = {
    id: release.release,
    model: release.model,
    number: release.number,
    state: "queued" as const,
    parent: release.parent,
    trigger: release.trigger,
    reason: release.reason,
    requested_by: release.requestedBy,
    parameters: JSON.stringify(release.parameters),
    definition_digest: model.definition_digest,
    policy_id: policy.id,
    policy_version: policy.version,
    waits_for: "Waits for its turn.",
  };
  await trx.insertInto("releases").values(row).execute();
  await addStandingContributors(trx, row, policy);
}
