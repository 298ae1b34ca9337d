import type { Row } from "../../db/schema.ts";
import { reviewName } from "../../domain/break-glass.ts";
import type { GateState } from "../../domain/gate.ts";
import type { Digest, GateId, ModelName } from "../../domain/ids.ts";
import { endUndecided } from "../gate/fall-due.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { renewReview } from "./break-glass-review.ts";
import { readEvaluation } from "./read-evaluation.ts";

/** Reviews of a model that have a row and no workflow yet; those that nobody could decide on are asked anew first. */
export async function reviewsToOpen(
  deps: RecordDeps,
  { model }: { model: ModelName },
): Promise<{ gate: GateId; digest: Digest }[]> {
  return inTransaction(deps.db, async (unit) => {
    const reviews = unit.trx.selectFrom("gates").selectAll().where("model", "=", model).where("name", "=", reviewName);
    const lost = await reviews
      .where("resolution", "=", "superseded")
      .where("superseded_by", "is", null)
      .forNoKeyUpdate()
      .execute();
    for (const old of lost) await askAnew(deps, unit, old);
    const opening = await reviews.where("state", "=", "opening").orderBy("number").execute();
    return opening.map((row) => ({ gate: row.id, digest: row.request_digest }));
  });
}

async function askAnew(deps: RecordDeps, unit: Unit, old: Row<"gates">): Promise<void> {
  const { trx } = unit;
  const moved = await trx.selectFrom("deployments").selectAll().where("id", "=", old.subject_id).executeTakeFirstOrThrow();
  const version = await trx.selectFrom("versions").selectAll().where("id", "=", moved.version_id).executeTakeFirstOrThrow();
  await renewReview(unit, old, {
    deployment: moved.id,
    action: moved.kind,
    by: moved.by,
    reason: moved.reason,
    environment: moved.environment,
    version,
    previous: moved.previous,
    epoch: moved.epoch,
    approval: moved.approval_id,
    ...(await readEvaluation(deps.store, version)),
  });
}

/**
 * Somebody else's workflow has the review's id: it is closed as superseded, and asked again under the next number.
 * One that opened has its own workflow, so that nobody took its id and it goes on waiting, whoever says otherwise.
 */
export function giveUpTakenReview(deps: RecordDeps, { gate, why }: { gate: GateId; why: string }): Promise<void> {
  return supersede(deps, { gate, why, states: ["opening"] });
}

/** Likewise for one whose own workflow died, as the watch has found by asking Temporal. */
export function giveUpReview(deps: RecordDeps, { gate, why }: { gate: GateId; why: string }): Promise<void> {
  return supersede(deps, { gate, why, states: ["opening", "open"] });
}

async function supersede(
  deps: RecordDeps,
  { gate, why, states }: { gate: GateId; why: string; states: GateState[] },
): Promise<void> {
  await inTransaction(deps.db, async (unit) => {
    const row = await unit.trx
      .selectFrom("gates")
      .selectAll()
      .where("id", "=", gate)
      .where("name", "=", reviewName)
      .where("state", "in", states)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row) await endUndecided({ deps, unit, gate: row }, { resolution: "superseded", why });
  });
}
