import type { WorkflowHandle } from "@temporalio/client";

/** One activity of a history: when it was scheduled, started and completed, in ms since 1970 by the server's clock. */
export interface ActivityTimes {
  name: string;
  scheduledAt: number;
  startedAt: number;
  completedAt: number;
}

/** The activities of a run, in the order in which they were scheduled; the last attempt of each. */
export async function activityTimes(handle: WorkflowHandle): Promise<ActivityTimes[]> {
  const { events } = await handle.fetchHistory();
  const found = new Map<string, ActivityTimes>();
  for (const event of events ?? []) {
    const at = Number(event.eventTime?.seconds ?? 0) * 1000 + (event.eventTime?.nanos ?? 0) / 1e6;
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled)
      found.set(String(event.eventId), {
        name: scheduled.activityType?.name ?? "",
        scheduledAt: at,
        startedAt: Number.NaN,
        completedAt: Number.NaN,
      });
    const started = found.get(String(event.activityTaskStartedEventAttributes?.scheduledEventId));
    if (started) started.startedAt = at;
    const completed = found.get(String(event.activityTaskCompletedEventAttributes?.scheduledEventId));
    if (completed) completed.completedAt = at;
  }
  return [...found.values()];
}

export async function startOf(handle: WorkflowHandle, activity: string): Promise<number> {
  const started = (await activityTimes(handle)).findLast((one) => one.name === activity)?.startedAt;
  if (started === undefined) throw new Error(`The history has no ${activity}.`);
  return started;
}
