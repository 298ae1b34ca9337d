import { sql } from "kysely";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";
import { readableThrough, type ReadScope } from "../rights.ts";

/** Findings of the models that the scope covers, open ones first, then the newest. */
export async function readFindings(
  db: Db,
  scope: ReadScope,
  filter: { model?: string | undefined; open?: boolean | undefined; limit: number },
): Promise<Row<"findings">[]> {
  const { rows } = await sql<Row<"findings">>`
    select f.* from findings f
    where ${readableThrough(scope, "f.model")}
      and ${filter.model === undefined ? sql`true` : sql`f.model = ${filter.model}`}
      and ${filter.open === true ? sql`f.closed_at is null` : sql`true`}
    order by f.closed_at is not null, f.opened_at desc, f.id limit ${filter.limit}`.execute(db);
  return rows;
}
