import { CountersignError } from "../../domain/errors.ts";
import type { GateId } from "../../domain/ids.ts";
import type { GateClosing } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";
import { closedBefore } from "./close-gate.ts";
import { endUndecided } from "./fall-due.ts";

/** Closes a request that is out of date; the answer of one that is not says that it goes on waiting. */
export async function renewGate(deps: RecordDeps, { gate }: { gate: GateId }): Promise<GateClosing> {
  return inTransaction(deps.db, async (unit) => {
    const row = await unit.trx.selectFrom("gates").selectAll().where("id", "=", gate).forNoKeyUpdate().executeTakeFirst();
    if (!row) throw new CountersignError("not-found", `There is no gate ${gate}.`);
    const before = closedBefore(row);
    if (before) return { kind: "closed", ...before };
    if (row.stale === null) return { kind: "open", dropped: [] };
    const closed = await endUndecided({ deps, unit, gate: row }, { resolution: "superseded", why: row.stale });
    return { kind: "closed", ...closed };
  });
}
