import { releaseId, type ReleaseId } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { PinnedRelease, Refused, StartedBy } from "../contract.ts";
import { carryOut, refused, type Outcome } from "./carry-out.ts";
import { addContributor } from "./contributors.ts";
import type { RecordDeps } from "./deps.ts";
import { insertRelease, refuseModel, refuseTaken, type Numbered } from "./new-release.ts";
import { readPinned } from "./pinned-release.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { succeedRelease } from "./succeed-release.ts";
import { inTransaction } from "./transaction.ts";

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
