import { condition, defineUpdate, executeChild, proxyActivities, setHandler, workflowInfo } from "@temporalio/workflow";

/** The least that Temporal can do for a gate: a child that waits for one update, one record, and a parent that goes on. */
const { record } = proxyActivities<{ record(id: string): Promise<void> }>({ startToCloseTimeout: "10s" });
const decideUpdate = defineUpdate<void>("decide");

export async function bareGate(): Promise<void> {
  let decided = false;
  setHandler(decideUpdate, () => void (decided = true));
  await condition(() => decided);
  await record(workflowInfo().workflowId);
}

export async function parentOfBare(id: string): Promise<void> {
  await executeChild(bareGate, { workflowId: id });
}

export async function parentOfGate(gate: string, external: unknown): Promise<void> {
  await executeChild("gate", { workflowId: `gate/${gate}`, taskQueue: "lifecycle", args: [{ gate, external }] });
}
