import type { RecordDeps } from "../record/deps.ts";
import { failureOf } from "../record/faults.ts";
import { stopRetired } from "../record/retire-model.ts";
import { tellStaleGates } from "../gate/mark-stale.ts";
import { tellClosedGates } from "./closed-gates.ts";
import { endDeadReleases } from "./dead-releases.ts";
import { supersedeDeadGates } from "./dead-gates.ts";
import { endDeadForeignGates } from "./dead-foreign-gates.ts";
import { endDeadReproductions } from "./dead-reproductions.ts";
import { supersedeDeadReviews } from "./dead-reviews.ts";
import { renewDeadSubjectGates } from "./dead-subject-gates.ts";
import { lapseConditions } from "./lapsed-conditions.ts";
import { lookAtApprovals } from "./overdue-approvals.ts";

/** Younger rows may stand for a workflow that is being started at this moment. */
const youngMs = 10_000;

/**
 * Runs that were terminated or lost say nothing to anybody; this finds them by asking Temporal for
 * every release and gate that the database holds to be alive. Releases first: the gate of a dead
 * one is withdrawn with it and not asked anew.
 */
export async function findDeadRuns(deps: RecordDeps): Promise<{ dead: { kind: "release" | "gate"; id: string }[] }> {
  const { temporalClient } = deps;
  if (!temporalClient) return { dead: [] };
  try {
    const olderThan = new Date(Date.now() - youngMs);
    const releases = await endDeadReleases(deps, temporalClient, olderThan);
    const searched = { db: deps.db, client: temporalClient, olderThan };
    const gates = [
      ...(await supersedeDeadGates(deps, searched)),
      ...(await supersedeDeadReviews(deps, searched)),
      ...(await renewDeadSubjectGates(deps, searched)),
      ...(await endDeadForeignGates(deps, searched)),
    ];
    await tellClosedGates(searched);
    await stopRetired(deps);
    await endDeadReproductions(deps, temporalClient, olderThan);
    await lapseConditions(deps);
    await lookAtApprovals(deps);
    await tellStaleGates(deps);
    return {
      dead: [...releases.map((id) => ({ kind: "release" as const, id })), ...gates.map((id) => ({ kind: "gate" as const, id }))],
    };
  } catch (error) {
    throw failureOf(error);
  }
}
