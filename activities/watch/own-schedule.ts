import { ScheduleNotFoundError } from "@temporalio/client";
import { readInterval } from "../../db/watch-jobs.ts";
import { CountersignError } from "../../domain/errors.ts";
import { scheduleFault, watchSchedule } from "../../domain/watch.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Searched } from "./dead-requests.ts";

/** Fails with what is wrong with the schedule that starts the watch; a worker puts it right when it starts. */
export async function lookAtSchedule(_deps: RecordDeps, { db, client }: Searched): Promise<string[]> {
  const everySeconds = await readInterval(db);
  // No worker has set one up: this look was asked for by somebody else.
  if (everySeconds === null) return [];
  const found = await client.schedule
    .getHandle(watchSchedule.id)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return null;
      throw error;
    });
  const fault = scheduleFault(found, everySeconds);
  if (fault !== null)
    throw new CountersignError("internal", `${fault} Restart a worker of the queue lifecycle: it sets the schedule up again.`);
  return [];
}
