import type { ReleaseId } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import { addContributor } from "./contributors.ts";
import { refuseModel } from "./new-release.ts";
import type { RecordDeps } from "./deps.ts";

/**
 * Puts on record into which release a request was folded; who asked for it contributed to it. A
 * release that has ended takes nothing in: that is answered and not written, so that the same
 * command can lead to another release.
 */
export async function foldRequest(
  deps: RecordDeps,
  input: { command: CommandOf<"request-release">; release: ReleaseId },
): Promise<{ ok: true } | { ok: false; ended: true } | Refused> {
  const { command, release } = input;
  const model = claimed(command, "model");
  if (deps.verifier.verify(command) && (await takesNothing(deps.db, { command: command.id, release })))
    return { ok: false, ended: true };
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "release", subject: release, model } },
    async ({ trx, note }, actor): Promise<Outcome<{ release: ReleaseId; folded: boolean }>> => {
      const into = await trx.selectFrom("releases").select("model").where("id", "=", release).executeTakeFirst();
      if (into?.model !== model) return refused("not-found", `${model} has no release ${release}.`);
      const trouble = await refuseModel(trx, model);
      if (trouble) return trouble;
      await trx
        .insertInto("release_requests")
        .values({ command_id: command.id, model, release_id: release, folded: true, requested_by: actor.id })
        .execute();
      await addContributor(trx, release, { principal: actor.id, how: "requested this release" });
      const { reason, trigger } = command.body;
      note({
        kind: "release.folded",
        actor: actor.id,
        model,
        subject: release,
        data: { command: command.id, surface: command.surface, trigger, reason },
      });
      return { ok: true, result: { release, folded: true } };
    },
  );
  return outcome.ok ? { ok: true } : outcome;
}

/** The release has ended, and the request was not folded into it before that. */
async function takesNothing(db: RecordDeps["db"], of: { command: string; release: ReleaseId }): Promise<boolean> {
  const row = await db
    .selectFrom("releases")
    .select("id")
    .where("id", "=", of.release)
    .where("state", "=", "ended")
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom("command_results").select("command_id").where("command_id", "=", of.command))),
    )
    .executeTakeFirst();
  return row !== undefined;
}
