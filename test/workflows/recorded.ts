import { mkdir, writeFile } from "node:fs/promises";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { Worker } from "@temporalio/worker";
import { workflowBundle } from "../setup/temporal.ts";
import { histories } from "./histories-folder.ts";
import type { World } from "../world/world.ts";

const recordAs = process.env["COUNTERSIGN_RECORD"];

/** The history of a workflow that has ended (a lifecycle does not end), replayed on today's code; with COUNTERSIGN_RECORD it is kept. */
export async function historyOf(world: World, workflowId: string, nameOfFile: string) {
  const handle = world.client.workflow.getHandle(workflowId);
  // The row says that it ended a moment before the workflow does.
  if (!workflowId.startsWith("model/")) await handle.result();
  const history = await handle.fetchHistory();
  if (recordAs) {
    await mkdir(histories, { recursive: true });
    await writeFile(
      `${histories}${recordAs}-${nameOfFile}.json`,
      // Stack traces name the machine's folders.
      JSON.stringify({ workflowId, history: JSON.parse(historyToJSON(history).replaceAll(`${process.cwd()}/`, "")) }),
    );
  }
  await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, workflowId);
  return history;
}
