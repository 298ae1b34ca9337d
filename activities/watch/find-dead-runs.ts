import type { RecordDeps } from "../record/deps.ts";
import { failureOf } from "../record/faults.ts";
import { tellStaleGates } from "../gate/mark-stale.ts";
import { endDeadReleases } from "./dead-releases.ts";
import { supersedeDeadGates } from "./dead-gates.ts";
import { endDeadForeignGates } from "./dead-foreign-gates.ts";
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
    const ofReleases = await supersedeDeadGates(deps, temporalClient, olderThan);
    const gates = [...ofReleases, ...(await supersedeDeadReviews(deps, temporalClient, olderThan))];
    gates.push(...(await renewDeadSubjectGates(deps, temporalClient, olderThan)));
    gates.push(...(await endDeadForeignGates(deps, temporalClient, olderThan)));
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
