import { noteLook } from "../../db/watch-jobs.ts";
import type { WatchJob } from "../../domain/watch.ts";
import type { WatchActivities } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { failureOf } from "../record/faults.ts";
import { stopRetired } from "../record/retire-model.ts";
import { tellStaleGates } from "../gate/mark-stale.ts";
import { tellClosedGates } from "./closed-gates.ts";
import { answerDeadCommands } from "./dead-commands.ts";
import { reviveCourier } from "./dead-courier.ts";
import { endDeadForeignGates } from "./dead-foreign-gates.ts";
import { supersedeDeadGates } from "./dead-gates.ts";
import { reviveLifecycles } from "./dead-lifecycles.ts";
import { endDeadReleases } from "./dead-releases.ts";
import { endDeadReproductions } from "./dead-reproductions.ts";
import type { Searched } from "./dead-requests.ts";
import { supersedeDeadReviews } from "./dead-reviews.ts";
import { renewDeadSubjectGates } from "./dead-subject-gates.ts";
import { lapseConditions } from "./lapsed-conditions.ts";
import { lookAtApprovals } from "./overdue-approvals.ts";
import { lookAtSchedule } from "./own-schedule.ts";

/** Younger rows may stand for a workflow that is being started at this moment. */
const youngMs = 10_000;
/** Somebody found that this one's workflow does not run. */
const youngWhenAskedMs = 1_000;

type Look = (deps: RecordDeps, searched: Searched) => Promise<string[]>;

const looks: Record<WatchJob, Look> = {
  endDeadReleases,
  supersedeDeadGates,
  supersedeDeadReviews,
  renewDeadSubjectGates,
  endDeadForeignGates,
  tellClosedGates: (_deps, searched) => tellClosedGates(searched),
  reviveLifecycles,
  endDeadReproductions,
  answerDeadCommands,
  reviveCourier,
  lookAtSchedule,
  lapseConditions,
  lookAtApprovals,
  stopRetired: (deps) => stopRetired(deps).then(() => []),
  tellStaleGates: (deps) => tellStaleGates(deps).then(() => []),
};

/** The jobs of the watch, one activity each. How each look ended is kept for health. */
export function createWatchActivities(deps: RecordDeps): WatchActivities {
  const activity =
    (job: WatchJob): WatchActivities[WatchJob] =>
    async ({ only } = {}) => {
      const { db, temporalClient: client } = deps;
      if (!client) return { found: [] };
      try {
        const searched = {
          db,
          client,
          olderThan: new Date(Date.now() - (only === undefined ? youngMs : youngWhenAskedMs)),
          only,
        };
        const found = await looks[job](deps, searched);
        if (only === undefined) await noteLook(db, { job, fault: null });
        return { found };
      } catch (error) {
        const failure = failureOf(error);
        // Where the database is away, health sees that the job has not succeeded for long.
        await noteLook(db, { job, fault: failure.message }).catch(() => undefined);
        throw failure;
      }
    };
  return {
    endDeadReleases: activity("endDeadReleases"),
    supersedeDeadGates: activity("supersedeDeadGates"),
    supersedeDeadReviews: activity("supersedeDeadReviews"),
    renewDeadSubjectGates: activity("renewDeadSubjectGates"),
    endDeadForeignGates: activity("endDeadForeignGates"),
    tellClosedGates: activity("tellClosedGates"),
    reviveLifecycles: activity("reviveLifecycles"),
    endDeadReproductions: activity("endDeadReproductions"),
    answerDeadCommands: activity("answerDeadCommands"),
    reviveCourier: activity("reviveCourier"),
    lookAtSchedule: activity("lookAtSchedule"),
    lapseConditions: activity("lapseConditions"),
    lookAtApprovals: activity("lookAtApprovals"),
    stopRetired: activity("stopRetired"),
    tellStaleGates: activity("tellStaleGates"),
  };
}
