import { ActivityFailure, log, proxyActivities, setCurrentDetails } from "@temporalio/workflow";
import type { RetentionActivities } from "../activities/contract.ts";
import type { Removed } from "../domain/retention.ts";

const retentionWork = (summary: string) =>
  proxyActivities<RetentionActivities>({
    taskQueue: "lifecycle",
    startToCloseTimeout: "2h",
    scheduleToCloseTimeout: "3h",
    heartbeatTimeout: "15s",
    retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s", maximumAttempts: 3 },
    summary,
  });

/** One round of removing what has aged: records, then artifacts. One that fails keeps the other from nothing, and health is told. */
export async function retention(): Promise<{ removed: Removed; failed: string[] }> {
  const failed: string[] = [];
  const attempt = async (work: () => Promise<Removed>): Promise<Removed> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const why = error.cause?.message ?? error.message;
      failed.push(why);
      log.error(`Could not remove what has aged: ${why}`);
      return {};
    }
  };
  const records = await attempt(() => retentionWork("Removes records that have aged").forgetRecords());
  const artifacts = await attempt(() => retentionWork("Removes artifacts that nothing names").collectArtifacts());
  if (failed.length > 0) setCurrentDetails(`Could not remove what has aged: ${failed.join("; ")}`);
  return { removed: { ...records, ...artifacts }, failed };
}
