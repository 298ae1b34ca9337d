import type { ReleaseId } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import { addContributor } from "./contributors.ts";
import { refuseModel } from "./new-release.ts";
import type { RecordDeps } from "./deps.ts";

/** Puts on record into which release a request was folded; who asked for it contributed to it. */
export async function foldRequest(
  deps: RecordDeps,
  input: { command: CommandOf<"request-release">; release: ReleaseId },
): Promise<{ ok: true } | Refused> {
  const { command, release } = input;
  const model = claimed(command, "model");
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
