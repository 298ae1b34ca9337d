import { sql, type RawBuilder } from "kysely";

/** What somebody may read: everything, or what is of these groups, or where they or she decide. */
export interface ReadScope {
  all: boolean;
  groups: string[];
  principal: string;
}

/** Over `models m`. A frozen request keeps its deciders reading, whatever becomes of the model's tier. */
export function readableModel(scope: ReadScope): RawBuilder<boolean> {
  return sql<boolean>`(${scope.all} or m.owner_team = any(${scope.groups}::text[]) or ${decidesOn(scope)}
    or exists (select 1 from gates d where d.model = m.name and (d.request -> 'deciders' -> 'groups') ?| ${scope.groups}::text[]))`;
}

/** Over `models m`: by the policy in force. One that names the team goes before the one for all others. */
function decidesOn({ groups, principal }: ReadScope): RawBuilder<boolean> {
  return sql<boolean>`exists (select 1 from policies_in_force f
    where f.tier = m.tier and f.maturity = m.maturity
      and f.team = coalesce((select t.team from policies_in_force t
        where t.tier = m.tier and t.maturity = m.maturity and t.team = m.owner_team), '')
      and (f.decider_groups && ${groups}::text[] or ${principal} = any(f.decider_people)))`;
}

/** Over a column that names a model, or holds null (which only those read who read everything). */
export function readableThrough(scope: ReadScope, column: string): RawBuilder<boolean> {
  return sql<boolean>`(${scope.all} or exists (select 1 from models m where m.name = ${sql.ref(column)} and ${readableModel(scope)}))`;
}
