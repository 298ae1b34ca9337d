import { modelOf, type GateId } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { closeUndecided } from "../gate/close-undecided.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";
import { lockRelease } from "./pinned-release.ts";

/**
 * Takes a release back. Its open gate closes in the same transaction, so that no decision made
 * after it can count; the release itself ends when its workflow has stopped its work.
 */
export async function withdrawRelease(
  deps: RecordDeps,
  command: CommandOf<"withdraw-release">,
): Promise<{ ok: true; gate: GateId | null } | Refused> {
  const release = claimed(command, "release");
  const model = modelOf(release);
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "release", subject: release, model } },
    async (unit, actor): Promise<Outcome<{ release: string; gate: GateId | null }>> => {
      const row = await lockRelease(unit.trx, release);
      if (!row) return refused("not-found", `There is no release ${release}.`);
      if (row.state === "ended") return refused("not-active", `${release} ended as ${row.outcome ?? "ended"}.`);
      const serves = await unit.trx
        .selectFrom("slots")
        .select("environment")
        .where("champion_version", "=", release)
        .executeTakeFirst();
      if (serves) return refused("not-active", `${release} serves already: roll back instead.`);
      const gate = await closeUndecided(unit, { release, resolution: "withdrawn", by: actor.id, why: command.body.reason });
      await unit.trx
        .updateTable("releases")
        .set({ waits_for: `Withdrawn by ${actor.id}; it is ending.` })
        .where("id", "=", release)
        .execute();
      return { ok: true, result: { release, gate } };
    },
  );
  return outcome.ok ? { ok: true, gate: outcome.result.gate } : outcome;
}
