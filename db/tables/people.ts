import type { Role } from "../../domain/principal.ts";
import type { Time, TimeOrNull, TimeOfWriting, WithDefault } from "./columns.ts";

export interface PrincipalsTable {
  id: string;
  kind: "person" | "machine";
  display_name: string;
  roles: WithDefault<Role[]>;
  active: WithDefault<boolean>;
  created_at: TimeOfWriting;
}

export interface GroupsTable {
  id: string;
  created_at: TimeOfWriting;
}

export interface GroupMembersTable {
  group_id: string;
  principal_id: string;
  since: TimeOfWriting;
  until: TimeOrNull;
}

export interface TokensTable {
  id: string;
  principal_id: string;
  kind: "api" | "session";
  hash: string;
  name: string;
  scopes: WithDefault<string[]>;
  created_by: string;
  created_at: TimeOfWriting;
  expires_at: Time;
  revoked_at: TimeOrNull;
}

/** Somebody decides in another's place for a time. */
export interface DelegationsTable {
  id: string;
  from_principal: string;
  to_principal: string;
  /** For this model only; null: for all. */
  model: string | null;
  reason: string;
  since: TimeOfWriting;
  until: Time;
  revoked_at: TimeOrNull;
  created_by: string;
}
