import type { AuditEvent } from "../../domain/audit-events.ts";
import { appendAudit } from "../../db/audit.ts";
import type { Db, Trx } from "../../db/database.ts";
import { failureOf, isRace } from "./faults.ts";

/** One transaction under way: its rows, and the audit records that are appended as its last statement. */
export interface Unit {
  trx: Trx;
  note(event: AuditEvent): void;
}

/** A lost race shows the winner's rows at the next try; three losses in a row are no race. */
const mostTries = 3;

/**
 * Does the work and its audit in one transaction. Two runs of the same activity at once meet at a
 * primary key: the loser is done again and then finds what the winner wrote. Fails only with an
 * ApplicationFailure.
 */
export async function inTransaction<Answer>(db: Db, work: (unit: Unit) => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute(async (trx) => {
        const events: AuditEvent[] = [];
        const answer = await work({ trx, note: (event) => void events.push(event) });
        await appendAudit(trx, events);
        return answer;
      });
    } catch (error) {
      if (tries < mostTries && isRace(error)) continue;
      throw failureOf(error);
    }
  }
}

/** The same for what only reads. */
export async function reading<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error);
  }
}
