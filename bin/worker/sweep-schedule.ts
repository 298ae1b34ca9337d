import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from "@temporalio/client";

/**
 * One schedule for all models: a schedule a model would cost a scheduler workflow each. A round
 * that is still running when the next is due is not doubled, and after an outage of the server
 * one round is caught up with, not a year's (the default). One round runs at once: what died with the worker
 * before this one is found without waiting for the next. What somebody changed or paused by hand is put back.
 */
export async function ensureSweep(client: Client, everySeconds: number): Promise<void> {
  const scheduleId = "monitor-sweep";
  const wanted = {
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    action: { type: "startWorkflow" as const, workflowType: "monitorSweep", taskQueue: "lifecycle", workflowId: "monitor-sweep" },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: everySeconds * 1000 },
  } satisfies Omit<ScheduleOptions, "scheduleId">;
  try {
    await client.schedule.create({ scheduleId, ...wanted });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({ ...wanted, state: { ...state, paused: false } }));
  }
  await client.schedule.getHandle(scheduleId).trigger(ScheduleOverlapPolicy.SKIP);
}
