import { sql, type RawBuilder } from "kysely";
import type { Tier } from "../../domain/policy.ts";

/** What somebody may read: everything, or what is of these groups, or of these tiers because they decide there. */
export interface ReadScope {
  all: boolean;
  groups: string[];
  tiers: Tier[];
}

/** Over `models m`. A frozen request keeps its deciders reading, whatever becomes of the model's tier. */
export function readableModel(scope: ReadScope): RawBuilder<boolean> {
  return sql<boolean>`(${scope.all} or m.owner_team = any(${scope.groups}::text[]) or m.tier = any(${scope.tiers}::text[])
    or exists (select 1 from gates d where d.model = m.name and (d.request -> 'deciders' -> 'groups') ?| ${scope.groups}::text[]))`;
}

/** Over a column that names a model, or holds null (which only those read who read everything). */
export function readableThrough(scope: ReadScope, column: string): RawBuilder<boolean> {
  return sql<boolean>`(${scope.all} or exists (select 1 from models m where m.name = ${sql.ref(column)} and ${readableModel(scope)}))`;
}
