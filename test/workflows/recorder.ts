import { mkdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Client } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { featuresOf, readRecorded } from "./history-features.ts";
import { histories } from "./histories-folder.ts";

/** Which histories are recorded under what name; none without it. */
export const recordAs = process.env["COUNTERSIGN_RECORD"];

export interface Recorder {
  /** Keeps the history where it shows something that no recorded one shows. */
  keep(client: Client, of: { workflowId: string; runId?: string | undefined; name: string }): Promise<void>;
}

export async function createRecorder(): Promise<Recorder> {
  const known = new Set((await readRecorded()).flatMap(({ history }) => [...featuresOf(history)]));
  return {
    async keep(client, { workflowId, runId, name }) {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const features = [...featuresOf(history)];
      if (!recordAs || features.every((feature) => known.has(feature))) return;
      for (const feature of features) known.add(feature);
      await mkdir(histories, { recursive: true });
      // Stack traces name the machine's folders.
      const json: unknown = JSON.parse(historyToJSON(history).replaceAll(`${process.cwd()}/`, ""));
      await writeFile(
        `${histories}${recordAs}-${name}.json.gz`,
        gzipSync(JSON.stringify({ workflowId, history: json }), { level: 9 }),
      );
    },
  };
}

/** What a test's workflows left, before its world ends: the first history of each shape is kept. */
export async function recordAll(client: Client): Promise<void> {
  if (!recordAs) return;
  const recorder = await createRecorder();
  for await (const { workflowId, runId, type } of client.workflow.list())
    await recorder.keep(client, { workflowId, runId, name: `${type}-${runId.slice(0, 8)}` });
}
