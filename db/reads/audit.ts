import { sql } from "kysely";
import type { Db } from "../database.ts";
import { readableThrough, readsGate, type ReadScope } from "../rights.ts";

export interface AuditRowFilter {
  model?: string | undefined;
  actor?: string | undefined;
  subject?: string | undefined;
  kind?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface AuditBody {
  seq: number;
  /** The canonical JSON that was hashed. */
  body: string;
  hash: string;
}

/** Records after `after`, in the order of the chain. Who sees a gate that is about no model sees what is on record of it. */
export async function readAudit(
  db: Db,
  scope: ReadScope,
  page: AuditRowFilter & { limit: number; after: number },
): Promise<AuditBody[]> {
  const { model, actor, subject, kind, from, to } = page;
  const { rows } = await sql<AuditBody>`
    select u.seq, u.body, u.hash from audit u
    where u.seq > ${page.after} and (${readableThrough(scope, "u.model")}
        or (u.model is null and exists (select 1 from gates g where g.id = u.subject and ${readsGate(scope)})))
      and ${model === undefined ? sql`true` : sql`u.model = ${model}`}
      and ${actor === undefined ? sql`true` : sql`u.actor = ${actor}`}
      and ${subject === undefined ? sql`true` : sql`u.subject = ${subject}`}
      and ${kind === undefined ? sql`true` : sql`u.kind = ${kind}`}
      and ${from === undefined ? sql`true` : sql`u.at >= ${from}::timestamptz`}
      and ${to === undefined ? sql`true` : sql`u.at <= ${to}::timestamptz`}
    order by u.seq limit ${page.limit}`.execute(db);
  return rows;
}

export async function readAuditHead(db: Db): Promise<{ seq: number; hash: string }> {
  return db.selectFrom("audit_head").select(["seq", "hash"]).executeTakeFirstOrThrow();
}
