import type { Db } from "../../db/database.ts";
import { driftInWords, driftOf } from "../../domain/drift-words.ts";
import type { MonitorWindow } from "../../domain/evidence.ts";
import type { ModelName, VersionId } from "../../domain/ids.ts";
import { markStale } from "../gate/mark-stale.ts";
import { openFinding } from "../record/findings.ts";
import { inTransaction } from "../record/transaction.ts";

/** A window of drift is a finding that somebody must answer, and requests that wait are no longer about today's data. */
export async function answerDrift(
  db: Db,
  drifting: { model: ModelName; environment: string; version: VersionId; window: MonitorWindow },
): Promise<void> {
  const { model, environment, version, window } = drifting;
  const worst = window.columns
    .filter((column) => column.verdict !== "steady")
    .toSorted((one, other) => driftOf(other) - driftOf(one))
    .slice(0, 3)
    .map(driftInWords);
  const title = `What ${version} is asked in ${environment} has drifted from its training data: ${worst.join(", ")} (${window.rows} predictions to ${window.to}).`;
  await inTransaction(db, async (unit) => {
    const key = `drift:${model}:${environment}:${version}`;
    const { opened } = await openFinding(unit, { model, kind: "drift", title, key, again: true, version, by: "countersign" });
    if (opened) await markStale(unit, { model, what: "drift", why: title });
  });
}
