import type { Trx } from "../../db/database.ts";
import type { GateId, ReleaseId } from "../../domain/ids.ts";
import type { ParameterBounds } from "../../domain/policy.ts";
import type { RequestedChanges } from "../contract.ts";

/** What reviewers asked for at a gate that closed as changes-requested, and of which release; null otherwise. */
export async function readChanges(
  trx: Trx,
  gate: GateId,
): Promise<(RequestedChanges & { release: ReleaseId | null; bounds: ParameterBounds }) | null> {
  const row = await trx
    .selectFrom("gates")
    .innerJoin("decisions", "decisions.gate_id", "gates.id")
    .select(["gates.release_id", "decisions.principal_id", "decisions.reason", "decisions.body", "gates.request"])
    .where("gates.id", "=", gate)
    .where("gates.resolution", "=", "changes-requested")
    .where("decisions.decision", "=", "request-changes")
    .where("decisions.counted", "=", true)
    .executeTakeFirst();
  if (!row) return null;
  return {
    release: row.release_id,
    by: row.principal_id,
    reason: row.reason ?? "",
    returnTo: row.body.returnTo,
    parameters: row.body.parameters,
    bounds: row.request.changes ?? {},
  };
}
