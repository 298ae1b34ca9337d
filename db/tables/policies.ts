import type { GovernedChange } from "../../domain/governed-changes.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Maturity, Policy, Tier } from "../../domain/policy.ts";
import type { JsonText, TimeOfWriting } from "./columns.ts";

export interface PoliciesTable {
  id: string;
  version: number;
  digest: Digest;
  body: JsonText<Policy>;
  published_by: string;
  published_at: TimeOfWriting;
}

export interface PoliciesInForceTable {
  tier: Tier;
  maturity: Maturity;
  /** Empty: every team that no policy names. */
  team: string;
  policy_id: string;
  policy_version: number;
  decider_groups: string[];
  decider_people: string[];
}

export interface PolicyProposalsTable {
  gate_id: string;
  policy_id: string;
  version: number;
  digest: Digest;
  body: JsonText<Policy>;
  command_id: string;
  proposed_by: string;
  proposed_at: TimeOfWriting;
}

export interface DefinitionChangesTable {
  gate_id: string;
  model: string;
  definition_digest: Digest;
  previous_digest: Digest;
  changes: JsonText<GovernedChange[]>;
  command_id: string;
  proposed_by: string;
  proposed_at: TimeOfWriting;
}
