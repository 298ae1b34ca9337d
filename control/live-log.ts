import { defaultPayloadConverter } from "@temporalio/common";
import { workflowIds, type ReleaseId } from "../domain/ids.ts";
import type { Stage } from "../domain/stages.ts";
import type { ControlContext } from "./deps.ts";

/** Activities that do the work of a stage under another name than the stage's. */
const alsoOf: Partial<Record<Stage, string[]>> = { train: ["train", "tryParameters", "collectJob"] };

/**
 * What a stage says while it runs: what its activities do, as their heartbeats tell it, and the last lines of what a
 * trainer prints. Null when nothing of the stage runs, or Temporal cannot say.
 */
export async function readLiveLog({ temporal, store }: ControlContext, release: ReleaseId, stage: Stage): Promise<string | null> {
  const names = alsoOf[stage] ?? [stage];
  try {
    const { raw } = await temporal.workflow.getHandle(workflowIds.release(release)).describe();
    const running = (raw.pendingActivities ?? []).filter(({ activityType }) => names.includes(activityType?.name ?? ""));
    const said = running.map(({ heartbeatDetails, attempt }) => {
      const [payload] = heartbeatDetails?.payloads ?? [];
      const told: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : "started";
      return `${(attempt ?? 1) > 1 ? `Attempt ${attempt}.\n` : ""}${typeof told === "string" ? told : "started"}`;
    });
    if (said.length === 0) return null;
    const printed = stage === "train" ? store.readLive(release) : [];
    return `${[...said, ...printed].join("\n\n")}\n`;
  } catch {
    // The workflow is gone or Temporal is away: the log that was kept is all there is.
    return null;
  }
}
