import type { ModelState } from "../../domain/lifecycle.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Tier, Maturity } from "../../domain/policy.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { TimeOfWriting, JsonText } from "./columns.ts";

export interface ModelsTable {
  name: string;
  owner_team: string;
  owner_person: string;
  tier: Tier;
  maturity: Maturity;
  title: string;
  environment: string;
  state: ModelState;
  definition_digest: Digest;
  created_at: TimeOfWriting;
  updated_at: TimeOfWriting;
}

export interface DefinitionsTable {
  digest: Digest;
  model: string;
  body: JsonText<ResolvedDefinition>;
  applied_by: string;
  applied_at: TimeOfWriting;
}
