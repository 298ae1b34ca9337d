import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { releaseId, type ModelName, type ReleaseId } from "../../domain/ids.ts";
import type { Trigger } from "../../domain/lifecycle.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
import type { PinnedRelease, Refused, StartedBy } from "../contract.ts";
import { carryOut, refused, type Outcome } from "./carry-out.ts";
import { addContributor, addStandingContributors } from "./contributors.ts";
import type { RecordDeps } from "./deps.ts";
import { newestPolicy, readPinned } from "./pinned-release.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { succeedRelease } from "./succeed-release.ts";
import { inTransaction, type Unit } from "./transaction.ts";

export type Numbered = { model: ModelName; release: ReleaseId; number: number };

/**
 * Creates the row of a release, queued, with what it is pinned to and who contributed. It is
 * started by a signed request, or by a gate whose reviewers asked for changes, which is read from
 * the database; whoever names neither gets no release.
 */
export async function createRelease(deps: RecordDeps, input: Numbered & StartedBy): Promise<PinnedRelease | Refused> {
  if (input.release !== releaseId(input.model, input.number))
    return refused("invalid", `${input.release} is not number ${input.number} of ${input.model}.`);
  if (input.command) return createRequested(deps, input, input.command);
  if (input.parent) return succeedRelease(deps, input, input.parent);
  const why = "Neither a signed request nor a gate asked for this release.";
  await inTransaction(deps.db, (unit) =>
    noteRefusedMessage(unit, {
      subject: input.release,
      model: input.model,
      message: "createRelease",
      claimed: JSON.stringify(input),
      why,
    }),
  );
  return refused("not-signed", why);
}

async function createRequested(
  deps: RecordDeps,
  input: Numbered,
  command: CommandOf<"request-release">,
): Promise<PinnedRelease | Refused> {
  const rule = { action: "release", subject: input.release, model: input.model } as const;
  const outcome = await carryOut(
    deps,
    { command, rule },
    async (unit, actor): Promise<Outcome<{ release: ReleaseId; folded: boolean }>> => {
      if (command.body.model !== input.model) return refused("invalid", `This request is for ${command.body.model}.`);
      const trouble = (await refuseModel(unit.trx, input.model)) ?? (await refuseTaken(unit.trx, input.release));
      if (trouble) return trouble;
      const { reason, trigger, parameters } = command.body;
      await insertRelease(unit, { ...input, parent: null, trigger, reason, requestedBy: actor.id, parameters });
      await addContributor(unit.trx, input.release, { principal: actor.id, how: "requested this release" });
      await unit.trx
        .insertInto("release_requests")
        .values({ command_id: command.id, model: input.model, release_id: input.release, folded: false, requested_by: actor.id })
        .execute();
      unit.note({
        kind: "release.requested",
        actor: actor.id,
        model: input.model,
        subject: input.release,
        data: { command: command.id, surface: command.surface, trigger, reason, parameters },
      });
      return { ok: true, result: { release: input.release, folded: false } };
    },
  );
  if (!outcome.ok) return outcome;
  // A token is good for one release: sent again to another lifecycle or under another number, it leads nowhere.
  if (outcome.result.release !== input.release)
    return refused("invalid", `This request led to ${outcome.result.release} before.`);
  return inTransaction(deps.db, ({ trx }) => readPinned(trx, input.release));
}

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
    .select(["definition_digest", "tier"])
    .where("name", "=", release.model)
    .executeTakeFirstOrThrow();
  const policy = await newestPolicy(trx, model.tier);
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

export type ReleaseRow = Row<"releases">;
