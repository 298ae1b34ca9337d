import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Receipt } from "../domain/gate.ts";
import type { Surface } from "../domain/principal.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

/** Refused attempts of one person on one gate within a minute that are chained one by one; what is more is only counted. */
const chainedAMinute = 20;

/** Puts a refused attempt on record, in the audit chain as well unless one person floods one gate. */
export async function recordAttempt(
  db: Db,
  attempt: { receipt: Receipt; surface: Surface; model: string | null },
): Promise<void> {
  const { receipt, surface, model } = attempt;
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ recent: number }>`
      select count(*)::int as recent from (select 1 from attempts where gate_id = ${receipt.gate.id} and principal_id = ${receipt.by}
        and at > now() - interval '1 minute' limit ${chainedAMinute + 1}) last`.execute(trx);
    const recent = rows[0]?.recent ?? 0;
    await trx
      .insertInto("attempts")
      .values({
        id: `att_${randomUUID()}`,
        gate_id: receipt.gate.id,
        principal_id: receipt.by,
        surface,
        decision: receipt.decision,
        receipt: receipt.receipt,
        message: receipt.message,
      })
      .execute();
    if (recent > chainedAMinute) return;
    const flood =
      recent === chainedAMinute
        ? {
            flood: `More than ${chainedAMinute} a minute: further ones are counted in attempts, not chained.`,
          }
        : {};
    await appendAudit(trx, [
      {
        kind: "attempt.refused",
        actor: receipt.by,
        model,
        subject: receipt.gate.id,
        data: {
          decision: receipt.decision,
          receipt: receipt.receipt,
          message: receipt.message,
          surface,
          ...flood,
        },
      },
    ]);
  });
}
