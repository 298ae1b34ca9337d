import { sql } from "kysely";
import type { Row } from "../../db/schema.ts";
import type { GateRequest } from "../../domain/gate.ts";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import { rulesOf } from "../../domain/policy-deciders.ts";
import type { StartedGate } from "../../domain/subject-gates.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { endUndecided } from "./fall-due.ts";
import { insertRequest, timesOf } from "./insert-gate.ts";
import { gateIdOf, type SubjectKind } from "./subject-gate.ts";

const kinds: readonly string[] = ["policy", "definition", "retirement"];

/**
 * Asks anew about a policy, a definition or a retirement whose request nobody can decide on any more:
 * somebody else's workflow has its id, or its own was terminated. The new request says what the old one
 * said, with new times; the old one is closed as superseded. `taken`: it is said that another workflow
 * has its id. Null where nothing is to be started.
 */
export async function askSubjectAnew(
  deps: RecordDeps,
  { gate, why, taken }: { gate: GateId; why: string; taken: boolean },
): Promise<StartedGate | null> {
  return inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirst();
    if (!row || row.state === "closed" || !kinds.includes(row.subject_kind)) return row ? successorOf(unit, row) : null;
    // A request that opened has its own workflow: nobody took its id, its start came a second time.
    if (taken && row.state !== "opening") return null;
    unit.note({
      kind: "gate.id-taken",
      actor: "unknown",
      model: row.model,
      subject: gate,
      data: { workflow: workflowIds.gate(gate), why },
    });
    await endUndecided({ deps, unit, gate: row }, { resolution: "superseded", why });
    return copy(unit, row);
  });
}

/** This activity ran before and its answer was lost. */
async function successorOf({ trx }: Unit, row: Row<"gates">): Promise<StartedGate | null> {
  if (row.superseded_by === null) return null;
  const next = await trx
    .selectFrom("gates")
    .select(["id", "request_digest", "state"])
    .where("id", "=", row.superseded_by)
    .executeTakeFirstOrThrow();
  return next.state === "opening" ? { gate: next.id, digest: next.request_digest } : null;
}

async function copy(unit: Unit, row: Row<"gates">): Promise<StartedGate> {
  const { trx } = unit;
  const number = row.number + 1;
  // The kind is one of the three, as was looked at above.
  const id = gateIdOf[row.subject_kind as SubjectKind](row.subject_id, number);
  const request = renewed({ row, id }, await readRule({ trx }, row));
  const frozen = await insertRequest(unit, { request, name: row.name, number, model: row.model, release: null });
  await trx.updateTable("gates").set({ superseded_by: id }).where("id", "=", row.id).execute();
  await sql`insert into policy_proposals (gate_id, policy_id, version, digest, body, command_id, proposed_by)
    select ${id}, policy_id, version, digest, body, command_id, proposed_by from policy_proposals where gate_id = ${row.id}`.execute(
    trx,
  );
  await sql`insert into definition_changes (gate_id, model, definition_digest, previous_digest, changes, command_id, proposed_by)
    select ${id}, model, definition_digest, previous_digest, changes, command_id, proposed_by from definition_changes where gate_id = ${row.id}`.execute(
    trx,
  );
  return frozen;
}

async function readRule({ trx }: Pick<Unit, "trx">, row: Row<"gates">): Promise<GateRule | null> {
  const { id, version } = row.request.policy;
  const policy = await trx
    .selectFrom("policies")
    .select("body")
    .where("id", "=", id)
    .where("version", "=", version)
    .executeTakeFirst();
  return (policy && rulesOf(policy.body).find((one) => one.name === row.name)?.rule) ?? null;
}

/** The same request with the times of its new opening. */
function renewed({ row, id }: { row: Row<"gates">; id: GateId }, rule: GateRule | null): GateRequest {
  const request = { ...row.request, gate: id };
  if (rule === null) return request;
  return {
    ...request,
    ...timesOf(rule, new Date().toISOString()),
    changed: { gate: row.id, changes: ["Only the times: nobody could decide on the request before."] },
  };
}
