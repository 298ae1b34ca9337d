import type { Row } from "../../db/schema.ts";
import type { Trx } from "../../db/database.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { VersionId } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { tellStaleGates } from "../gate/mark-stale.ts";
import { carryOut, claimed, refused, type Outcome } from "../record/carry-out.ts";
import type { RecordDeps } from "../record/deps.ts";
import { verifyApproval } from "../../approvals/approval.ts";
import { moveSlot } from "./move-slot.ts";
import { findPrevious, type Target } from "./previous-champion.ts";
import { readSlot } from "./read-slot.ts";
import { hasBytes } from "./version-bytes.ts";

interface RolledBack {
  deployment: { id: string; environment: string; version: VersionId; epoch: number };
}

/**
 * Moves a slot back to a version approved before: the named one, or the champion before the
 * present one. Needs no gate, no training, no run of a release; one transaction of some ten
 * statements. Raising the epoch ends any rollout that believes that it is running.
 */
export async function rollBack(deps: RecordDeps, command: CommandOf<"rollback">): Promise<{ ok: true; epoch: number } | Refused> {
  const model = claimed(command, "model");
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "rollback", subject: model, model } },
    async (unit, actor): Promise<Outcome<RolledBack>> => {
      const { environment, to, reason } = command.body;
      const slot = await readServingSlot(unit.trx, model, environment);
      const { version, approved } =
        to === null ? await findPrevious(deps, unit.trx, slot) : await findNamed(deps, unit.trx, { slot, to });
      if (!(await hasBytes(deps.store, version)))
        return refused("artifact-corrupt", `The bytes of ${version.id} are not in the artifact store any more.`);
      const id = `dep_${command.id.replace(/^cmd_/, "")}`;
      const epoch = await moveSlot(unit, {
        deployment: id,
        kind: "rollback",
        slot,
        version: version.id,
        approved,
        by: actor.id,
        reason,
      });
      return { ok: true, result: { deployment: { id, environment, version: version.id, epoch } } };
    },
  );
  if (!outcome.ok) return outcome;
  // A hint: the watch gives it again, and the rollback is done.
  await tellStaleGates(deps).catch(() => undefined);
  return { ok: true, epoch: outcome.result.deployment.epoch };
}

/** The slot of a model that takes commands, with a champion. */
async function readServingSlot(trx: Trx, model: string, environment: string): Promise<Row<"slots">> {
  const slot = await readSlot(trx, model, environment);
  if (slot.champion_version === null)
    throw new CountersignError("no-champion", `${model} has no champion in ${environment} yet.`);
  return slot;
}

async function findNamed(deps: RecordDeps, trx: Trx, { slot, to }: { slot: Row<"slots">; to: VersionId }): Promise<Target> {
  const version = await trx
    .selectFrom("versions")
    .selectAll()
    .where("model", "=", slot.model)
    .where("id", "=", to)
    .executeTakeFirst();
  if (!version) throw new CountersignError("not-found", `${slot.model} has no version ${to}.`);
  if (slot.champion_version === to)
    throw new CountersignError("already-champion", `${to} is the champion of ${slot.environment} already.`);
  return { version, approved: await verifyApproval(trx, deps.verifier, { version, environment: slot.environment }) };
}
