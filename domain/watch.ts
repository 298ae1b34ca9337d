/**
 * The jobs of the watch, which finds what died in silence and what time has changed. Each is an
 * activity with its own time and its own failure; the words say what it looks at.
 */
export const watchJobs = {
  endDeadReleases: "releases whose workflows ended in silence",
  supersedeDeadGates: "gates whose workflows ended in silence",
  supersedeDeadReviews: "reviews whose workflows ended in silence",
  renewDeadSubjectGates: "requests about policies, definitions and retirements whose workflows ended in silence",
  endDeadForeignGates: "gates of other workflows that ended in silence",
  tellClosedGates: "closed gates whose workflows still wait",
  reviveLifecycles: "models whose lifecycles ended in silence",
  endDeadReproductions: "reproductions whose workflows ended in silence",
  answerDeadCommands: "commands whose own workflows ended in silence",
  reviveCourier: "the courier",
  lookAtSchedule: "the watch's own schedule",
  lapseConditions: "approvals whose conditions were not met in time",
  lookAtApprovals: "approvals that are older than a policy allows",
  stopRetired: "what retirements ended",
  tellStaleGates: "requests whose evidence is out of date",
} as const;
export type WatchJob = keyof typeof watchJobs;

const hourMs = 3_600_000;
/** Beside them, in workflows of their own: they take as long as there is data. Each is late after its own time. */
export const slowJobs = {
  lookAtPredictions: { words: "the predictions of live models", lateMs: 3 * hourMs },
  forgetRecords: { words: "records that have aged", lateMs: 6 * hourMs },
  collectArtifacts: { words: "artifacts that nothing names", lateMs: 6 * hourMs },
} as const;
export type SlowJob = keyof typeof slowJobs;

export const watchSchedule = {
  id: "monitor-sweep",
  workflowType: "monitorSweep",
  taskQueue: "lifecycle",
  overlap: "SKIP",
} as const;

/** A schedule as Temporal's client describes it, as far as the watch is concerned. */
export interface DescribedSchedule {
  state: { paused: boolean };
  spec: { intervals?: { every: number }[] | undefined };
  action: { type: string; workflowType?: string; taskQueue?: string };
  policies: { overlap?: string | undefined };
}

/** What is wrong with the schedule, in a sentence; null when it is as a worker sets it up. `found` null: there is none. */
export function scheduleFault(found: DescribedSchedule | null, everySeconds: number): string | null {
  const { id, workflowType, taskQueue, overlap } = watchSchedule;
  if (found === null) return `The schedule ${id} was deleted.`;
  if (found.state.paused) return `The schedule ${id} is paused.`;
  const { spec, action, policies } = found;
  const [interval, ...others] = spec.intervals ?? [];
  if (interval?.every !== everySeconds * 1000 || others.length > 0)
    return `The schedule ${id} was changed: it does not run every ${everySeconds} s.`;
  return action.workflowType === workflowType && action.taskQueue === taskQueue && policies.overlap === overlap
    ? null
    : `The schedule ${id} was changed: it does not start the watch as it should.`;
}

/** A job that has not succeeded for so many rounds is late. */
const lateAfterRounds = 3;
const lateAtLeastMs = 60_000;

export interface Look {
  job: string;
  succeededAt: Date | null;
  lookedAt: Date;
  fault: string | null;
}

/** What is wrong with the looks of the watch, in sentences. */
export function lookFaults(looks: Look[], { everySeconds, now }: { everySeconds: number; now: Date }): string[] {
  return looks.flatMap(({ job, succeededAt, fault, lookedAt }) => {
    const slow = (slowJobs as Record<string, { words: string; lateMs: number }>)[job];
    const words = slow?.words ?? (watchJobs as Record<string, string>)[job];
    // A job of an earlier version of the product.
    if (words === undefined) return [];
    if (fault !== null) return [`It could not look at ${words}: ${fault}`];
    const lateMs = Math.max(slow?.lateMs ?? lateAtLeastMs, lateAfterRounds * everySeconds * 1000);
    const sinceMs = now.getTime() - (succeededAt ?? lookedAt).getTime();
    return sinceMs > lateMs ? [`It has not looked at ${words} for ${Math.round(sinceMs / 60_000)} minutes.`] : [];
  });
}
