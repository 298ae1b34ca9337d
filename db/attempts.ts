import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { ReceiptKind } from "../domain/gate.ts";
import type { Surface } from "../domain/principal.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

/** Refused attempts of one person on one gate within a minute that are chained one by one; what is more is only counted. */
const chainedAMinute = 20;

export interface RefusedAttempt {
  gate: string;
  model: string | null;
  by: string;
  surface: Surface;
  /** As it was sent, when it was legible. */
  decision: string;
  receipt: ReceiptKind;
  message: string;
}

/** Puts a refused attempt on record, in the audit chain as well unless one person floods one gate. */
export async function recordAttempt(db: Db, attempt: RefusedAttempt): Promise<void> {
  const { gate, model, by, surface, decision, receipt, message } = attempt;
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ recent: number }>`
      select count(*)::int as recent from (select 1 from attempts where gate_id = ${gate} and principal_id = ${by}
        and at > now() - interval '1 minute' limit ${chainedAMinute + 1}) last`.execute(trx);
    const recent = rows[0]?.recent ?? 0;
    await trx
      .insertInto("attempts")
      .values({ id: `att_${randomUUID()}`, gate_id: gate, principal_id: by, surface, decision, receipt, message })
      .execute();
    if (recent > chainedAMinute) return;
    const flood =
      recent === chainedAMinute
        ? { flood: `More than ${chainedAMinute} a minute: further ones are counted in attempts, not chained.` }
        : {};
    await appendAudit(trx, [
      { kind: "attempt.refused", actor: by, model, subject: gate, data: { decision, receipt, message, surface, ...flood } },
    ]);
  });
}
