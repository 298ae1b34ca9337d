import type { Trx } from "../../db/database.ts";
import type { ApprovalCondition, DecisionInputs, GateOutcome } from "../../domain/gate.ts";
import type { GateId, ModelName, VersionId } from "../../domain/ids.ts";
import type { PolicyGate } from "../../domain/policy.ts";
import type { ReleaseOfFacts } from "../../db/reads/condition-facts.ts";
import { openFinding } from "../record/findings.ts";
import type { Unit } from "../record/transaction.ts";
import { gatesNeeded } from "../../approvals/gates-needed.ts";

export interface PassedGate {
  id: GateId;
  name: string;
  outcome: GateOutcome | null;
}

/** How a release stands to its policy's gates: which were approved, and the names of those that are still to be passed. */
export async function readPassed(
  trx: Trx,
  release: ReleaseOfFacts,
  gates: PolicyGate[],
): Promise<{ passed: PassedGate[]; open: string[] }> {
  const passed = await trx
    .selectFrom("gates")
    .select(["id", "name", "outcome"])
    .where("release_id", "=", release.id)
    .where("resolution", "=", "approved")
    .orderBy("closed_at")
    .execute();
  const names = new Set(passed.map((row) => row.name));
  const needed = await gatesNeeded(trx, release, { gates });
  return { passed, open: needed.map((gate) => gate.name).filter((name) => !names.has(name)) };
}

/**
 * What an approval takes over from the gates that brought it, whichever of them was the last: the
 * inputs, and the conditions on which it hangs.
 */
export async function takeOver(
  unit: Unit,
  passed: PassedGate[],
  about: { model: ModelName; version: VersionId },
): Promise<{ inputs: DecisionInputs; conditions: ApprovalCondition[] }> {
  const inputs = Object.fromEntries(passed.flatMap(({ outcome }) => Object.entries(outcome?.inputs ?? {})));
  const conditions: ApprovalCondition[] = [];
  for (const gate of passed)
    for (const condition of gate.outcome?.conditions ?? [])
      conditions.push(await openCondition(unit, { ...about, gate, condition }));
  return { inputs, conditions };
}

/** A condition names an open finding of the model, or says in words what is to be closed: that opens one. */
async function openCondition(
  unit: Unit,
  of: { model: ModelName; version: VersionId; gate: PassedGate; condition: ApprovalCondition },
): Promise<ApprovalCondition> {
  const { model, version, gate } = of;
  const { finding, by } = of.condition;
  const known = await unit.trx
    .selectFrom("findings")
    .select("id")
    .where("model", "=", model)
    .where("id", "=", finding)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  if (known) return { finding, by };
  const opened = {
    model,
    kind: "condition" as const,
    title: finding,
    gate: gate.id,
    version,
    by: gate.outcome?.by ?? "countersign",
  };
  return { finding: (await openFinding(unit, opened)).id, by };
}
