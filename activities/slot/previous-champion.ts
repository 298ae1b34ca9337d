import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import { rollbackTargets } from "../../domain/rollback-target.ts";
import type { RecordDeps } from "../record/deps.ts";
import { verifyApproval, type Approved } from "../../approvals/approval.ts";

export interface Target {
  version: Row<"versions">;
  approved: Approved;
}

/** The nearest earlier champion whose approval stands. Throws `nothing-to-roll-back-to`. */
export async function findPrevious(deps: RecordDeps, trx: Trx, slot: Row<"slots">): Promise<Target> {
  const moves = await trx
    .selectFrom("deployments")
    .select(["kind", "version_id as version"])
    .where("model", "=", slot.model)
    .where("environment", "=", slot.environment)
    .orderBy("epoch")
    .execute();
  for (const id of rollbackTargets(moves)) {
    const version = await trx.selectFrom("versions").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    try {
      return { version, approved: await verifyApproval(trx, deps.verifier, { version, environment: slot.environment }) };
    } catch (error) {
      // The one before it may still be good.
      if (!(error instanceof CountersignError)) throw error;
    }
  }
  throw new CountersignError(
    "nothing-to-roll-back-to",
    `${slot.model} has no earlier champion in ${slot.environment} whose approval stands.`,
  );
}
