import type { Db, Trx } from "../db/database.ts";
import { conditionFacts, type ReleaseOfFacts } from "../db/reads/condition-facts.ts";
import { evaluateCondition } from "../domain/condition-evaluation.ts";
import { callsForGate, type ConditionFacts } from "../domain/conditions.ts";
import type { PolicyGate } from "../domain/policy.ts";

export interface Need {
  needed: boolean;
  /** A whole sentence, or several. */
  why: string;
  facts: ConditionFacts;
}

/** Whether a release needs a gate of its policy, by what the database holds at this moment. What is not known calls for the gate. */
export async function isNeeded(trx: Db | Trx, release: ReleaseOfFacts, gate: Pick<PolicyGate, "when">): Promise<Need> {
  const facts = await conditionFacts(trx, release);
  if (gate.when === undefined) return { needed: true, why: "The policy asks for this gate on every release.", facts };
  const result = evaluateCondition(gate.when, facts);
  return { needed: callsForGate(result), why: result.why, facts };
}

/**
 * The gates that a release needs, told again from the facts on record: all but those that were found
 * unnecessary and still are. One that was found so on facts that were not the final ones is needed after all.
 * `asOf`: the moment of the approval that is looked at; absent: now.
 */
export async function gatesNeeded(
  trx: Db | Trx,
  release: ReleaseOfFacts,
  { gates, asOf }: { gates: PolicyGate[]; asOf?: Date },
): Promise<PolicyGate[]> {
  if (gates.every((gate) => gate.when === undefined)) return gates;
  const rows = await trx.selectFrom("gates_not_needed").select("name").where("release_id", "=", release.id).execute();
  const foundUnnecessary = new Set(rows.map((row) => row.name));
  if (foundUnnecessary.size === 0) return gates;
  const facts = await conditionFacts(trx, release, asOf && { asOf });
  return gates.filter(
    ({ name, when }) => when === undefined || !foundUnnecessary.has(name) || callsForGate(evaluateCondition(when, facts)),
  );
}
