import { ScheduleNotFoundError } from "@temporalio/client";
import { continuityCure, continuityFault } from "../db/audit-continuity.ts";
import { readInterval, readLooks } from "../db/watch-jobs.ts";
import { workflowIds } from "../domain/ids.ts";
import { lookFaults, scheduleFault, watchSchedule } from "../domain/watch.ts";
import { workflowTypes } from "../workflows/messages.ts";
import type { ControlContext } from "./deps.ts";

const answersWithinMs = 2_000;
/** A look at one release or gate takes a second. */
const lookEndsWithin = "5 minutes";

/** Throws with what is wrong with the watch: its schedule, or what it could not look at. */
export async function watchState({ db, temporal, store, clock }: ControlContext): Promise<string> {
  const everySeconds = await readInterval(db);
  if (everySeconds === null) throw new Error("No worker of the queue lifecycle has set up the watch yet.");
  const found = await temporal
    .withDeadline(Date.now() + answersWithinMs, () => temporal.schedule.getHandle(watchSchedule.id).describe())
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return null;
      throw error;
    });
  const fault = scheduleFault(found, everySeconds);
  const schedule = fault === null ? [] : [`${fault} Restart a worker of the queue lifecycle: it sets the schedule up again.`];
  const older = await continuityFault(db, store);
  const rows = await readLooks(db);
  const looks = rows.map((row) => ({ job: row.job, lookedAt: row.looked_at, succeededAt: row.succeeded_at, fault: row.fault }));
  const faults = [
    ...(older === null ? [] : [`${older} ${continuityCure}`]),
    ...schedule,
    ...lookFaults(looks, { everySeconds, now: clock() }),
  ];
  if (faults.length > 0) throw new Error(faults.join(" "));
  return `looks every ${everySeconds} s`;
}

/**
 * Somebody waits for a workflow that does not run while its row is open: the watch looks at it now, not with its next
 * round. One look at a time; false where Temporal could not be asked.
 */
export async function askWatch({ temporal }: Pick<ControlContext, "temporal">, id: string): Promise<boolean> {
  try {
    await temporal.withDeadline(Date.now() + answersWithinMs, () =>
      temporal.workflow.start(workflowTypes.monitorSweep, {
        workflowId: workflowIds.watchOf(id),
        taskQueue: watchSchedule.taskQueue,
        args: [{ only: id }],
        workflowIdConflictPolicy: "USE_EXISTING",
        workflowExecutionTimeout: lookEndsWithin,
        staticSummary: `Looks whether ${id} died in silence`,
      }),
    );
    return true;
  } catch {
    // The next round finds it all the same.
    return false;
  }
}
