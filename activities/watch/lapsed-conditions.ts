import { sql } from "kysely";
import { lapseApproval } from "../slot/lapse-approval.ts";
import { momentInWords } from "../../domain/wording.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";

/**
 * Approvals on condition whose findings were not closed in time are revoked, and the champion before
 * comes back. Gives the approvals that lapsed.
 */
export async function lapseConditions(deps: RecordDeps): Promise<string[]> {
  const { rows } = await sql<{ id: string; finding: string; title: string; by: string }>`
    select a.id, f.id as finding, f.title, c ->> 'by' as by
    from approvals a cross join lateral jsonb_array_elements(a.conditions) c join findings f on f.id = c ->> 'finding'
    where a.revoked_at is null and (c ->> 'by')::timestamptz < now()
      and (f.closed_at is null or f.closed_at > (c ->> 'by')::timestamptz)
    order by a.id`.execute(deps.db);
  const lapsed: string[] = [];
  for (const { id, finding, title, by } of rows) {
    const why = `It hung on the finding “${title}” (${finding}) being closed by ${momentInWords(new Date(by).toISOString())}, and it was not.`;
    await inTransaction(deps.db, async (unit) => {
      const approval = await unit.trx
        .selectFrom("approvals")
        .selectAll()
        .where("id", "=", id)
        .forNoKeyUpdate()
        .executeTakeFirstOrThrow();
      await lapseApproval(deps, unit, { approval, why, by: "countersign" });
    });
    lapsed.push(id);
  }
  return lapsed;
}
