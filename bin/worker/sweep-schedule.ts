import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from "@temporalio/client";
import type { Db } from "../../db/database.ts";
import { noteInterval } from "../../db/watch-jobs.ts";
import { workflowIds } from "../../domain/ids.ts";
import { retentionSchedule } from "../../domain/retention.ts";
import { watchSchedule } from "../../domain/watch.ts";

/**
 * One schedule for all models: a schedule a model would cost a scheduler workflow each. A round
 * that is still running when the next is due is not doubled, and after an outage of the server
 * one round is caught up with, not a year's (the default). A schedule that was paused or changed is
 * put right, and the interval is kept, so that health notices what becomes of it later. One round runs at
 * once: what died with the worker before this one is found without waiting for the next.
 */
export async function ensureSweep({ client, db }: { client: Client; db: Db }, everySeconds: number): Promise<void> {
  const { id, workflowType, taskQueue } = watchSchedule;
  await ensureSchedule(client, { id, workflowType, taskQueue, workflowId: workflowIds.monitorSweep(), everySeconds });
  await noteInterval(db, everySeconds);
  await client.schedule.getHandle(id).trigger(ScheduleOverlapPolicy.SKIP);
}

/** Another one for what has aged: its rounds take as long as there is data. */
export async function ensureRetention(client: Client): Promise<void> {
  await ensureSchedule(client, { ...retentionSchedule, workflowId: workflowIds.retention() });
}

interface Wanted {
  id: string;
  workflowType: string;
  taskQueue: string;
  workflowId: string;
  everySeconds: number;
}

async function ensureSchedule(client: Client, wanted: Wanted): Promise<void> {
  const { id: scheduleId, workflowType, taskQueue, workflowId, everySeconds } = wanted;
  const schedule: Omit<ScheduleOptions, "scheduleId"> = {
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    action: { type: "startWorkflow", workflowType, taskQueue, workflowId, args: [] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: everySeconds * 1000 },
    state: { paused: false },
  };
  try {
    await client.schedule.create({ scheduleId, ...schedule });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(() => ({ ...schedule, state: { paused: false } }));
  }
}
