import type { Trx } from "../../db/database.ts";
import { conditionFacts, type ReleaseOfFacts } from "../../db/reads/condition-facts.ts";
import { evaluateCondition } from "../../domain/condition-evaluation.ts";
import type { ConditionFacts } from "../../domain/conditions.ts";
import type { PolicyGate } from "../../domain/policy.ts";

export interface Need {
  needed: boolean;
  /** A whole sentence, or several. */
  why: string;
  facts: ConditionFacts;
}

/** Whether a release needs a gate of its policy, by what the database holds at this moment. */
export async function isNeeded(trx: Trx, release: ReleaseOfFacts, gate: Pick<PolicyGate, "when">): Promise<Need> {
  const facts = await conditionFacts(trx, release);
  if (gate.when === undefined) return { needed: true, why: "The policy asks for this gate on every release.", facts };
  const { applies, why } = evaluateCondition(gate.when, facts);
  return { needed: applies, why, facts };
}
