import { modelOf } from "../../domain/ids.ts";
import type { CommandOf, UnblockAction } from "../../domain/signed-command.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
import type { Refused } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import { addContributor } from "./contributors.ts";
import type { RecordDeps } from "./deps.ts";
import { hasParameters, mergeParameters } from "../../domain/release-parameters.ts";
import { lockRelease, readPinned } from "./pinned-release.ts";

interface Unblocked {
  release: string;
  action: UnblockAction;
  /** The release's parameters as they are now, changes included. */
  parameters: ReleaseParameters;
}

/** How a blocked release goes on. An abandoned one stays blocked until it ends, moments later. */
export async function unblockRelease(
  deps: RecordDeps,
  command: CommandOf<"unblock">,
): Promise<{ ok: true; action: UnblockAction; parameters: ReleaseParameters } | Refused> {
  const release = claimed(command, "release");
  const model = modelOf(release);
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "unblock", subject: release, model } },
    async ({ trx, note }, actor): Promise<Outcome<Unblocked>> => {
      const { action, reason, parameters } = command.body;
      const row = await lockRelease(trx, release);
      if (!row) return refused("not-found", `There is no release ${release}.`);
      if (row.state === "ended") return refused("not-active", `${release} ended as ${row.outcome ?? "ended"}.`);
      if (!row.blocked) return refused("not-blocked", `${release} is ${row.state}, not blocked.`);
      const { stage } = row.blocked;
      if (action === "skip" && !(await readPinned(trx, release)).skippable.some((one) => one === stage))
        return refused("skip-not-allowed", `The policy of ${release} allows no skip of ${stage}.`);

      const merged = mergeParameters(row.parameters, parameters);
      if (action !== "abandon")
        await trx
          .updateTable("releases")
          .set({ state: "running", blocked: null, waits_for: null, parameters: JSON.stringify(merged) })
          .where("id", "=", release)
          .execute();
      if (action === "skip") await addContributor(trx, release, { principal: actor.id, how: `skipped the ${stage} stage` });
      if (action === "retry" && hasParameters(parameters))
        await addContributor(trx, release, { principal: actor.id, how: `retried the ${stage} stage with changed parameters` });
      note({
        kind: "release.unblocked",
        actor: actor.id,
        model: row.model,
        subject: release,
        data: { command: command.id, action, stage, reason, parameters },
      });
      return { ok: true, result: { release, action, parameters: merged } };
    },
  );
  return outcome.ok ? { ok: true, action: outcome.result.action, parameters: outcome.result.parameters } : outcome;
}
