import { proxyActivities } from "@temporalio/workflow";
import type { StageActivities } from "../activities/contract.ts";
import type { Digest } from "../domain/ids.ts";

/**
 * Has a worker of the `stages` queue, which alone reads data, look at sources and propose a contract.
 * It writes no record; whoever asked waits for the answer, and nobody does for longer than two minutes.
 */
export async function suggestContract(input: Parameters<StageActivities["suggestContract"]>[0]): Promise<{ suggestion: Digest }> {
  const stages = proxyActivities<StageActivities>({
    taskQueue: "stages",
    startToCloseTimeout: "110s",
    heartbeatTimeout: "15s",
    retry: { initialInterval: "500ms", maximumAttempts: 2 },
    summary: "Looks at the sources and proposes a contract",
  });
  return stages.suggestContract(input);
}
