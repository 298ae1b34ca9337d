import { record, stageWork } from "./records.ts";

/**
 * One round of the watch, started by one schedule for all models: finds runs that died in silence,
 * and looks at the predictions of every enrolled model. Signals are sent by the activities, and
 * only when something happened.
 */
export async function monitorSweep(): Promise<{
  dead: number;
  looked: number;
  drifting: string[];
}> {
  const { dead } = await record("Finds runs that died in silence").findDeadRuns();
  const { looked, drifting } = await stageWork("Looks at the predictions of all live models").lookAtPredictions();
  return { dead: dead.length, looked, drifting };
}
