import { ParentClosePolicy, patched, startChild, WorkflowIdReusePolicy } from "@temporalio/workflow";
import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import type { Resolution } from "../domain/gate.ts";
import { workflowIds, type GateId } from "../domain/ids.ts";
import type { GateStage, PolicyGate } from "../domain/policy.ts";
import { quorumInWords } from "../domain/quorum.ts";
import { gate as gateWorkflow } from "./gate.ts";
import { record } from "./records.ts";
import { refuseMessage } from "./refusal.ts";
import { ReleaseEnd, type ReleaseRun } from "./release-run.ts";
import { pairs } from "./search-attributes.ts";

/**
 * Passes the policy's gates after a stage, one after the other. One that its condition does not call
 * for is on record as not needed. `renew` brings the evidence up to date before a request that was
 * superseded is asked anew.
 */
export async function passGates(run: ReleaseRun, after: GateStage, renew?: () => Promise<unknown>): Promise<void> {
  for (const gate of run.pinned.gates.filter((one) => one.after === after))
    if (await passGate(run, gate, renew)) run.asked.add(gate.name);
}

/**
 * Looks again at gates that were found unnecessary: the facts were not the final ones before the evaluation, and
 * move while people deliberate. Ends when nothing more is asked. True when there was anything to look at.
 */
export async function passGatesMissed(run: ReleaseRun, renew: () => Promise<unknown>): Promise<boolean> {
  const missed = () =>
    run.pinned.gates.filter((one) => !run.asked.has(one.name) && (one.after !== "evaluate" || run.asked.size > 0));
  if (missed().length === 0 || !patched("gates-looked-at-again")) return false;
  for (let asked = -1; asked !== run.asked.size;) {
    asked = run.asked.size;
    for (const gate of missed()) if (await passGate(run, gate, renew)) run.asked.add(gate.name);
  }
  return true;
}

/** Opens a gate and waits until its row says how it was resolved. True when it was approved; ends the release otherwise. */
async function passGate(run: ReleaseRun, gate: PolicyGate, renew?: () => Promise<unknown>): Promise<boolean> {
  for (;;) {
    const frozen = await run.orBlock(gate.after, () =>
      record(`Freezes the request of gate ${gate.name}`).freezeGate({ release: run.release, gate: gate.name }),
    );
    if ("notNeeded" in frozen) return false;
    const resolution = frozen.resolution ?? (await ask(run, gate, frozen));
    if (resolution === null) continue;
    if (resolution === "approved") return true;
    if (resolution !== "superseded") throw new ReleaseEnd(resolution, `${frozen.gate} was closed as ${resolution}.`);
    if (renew && patched("renew-evidence")) await renew();
  }
}

type Frozen = { gate: GateId; digest: `sha256:${string}` };

/** How the request was resolved; null when its id was taken and a person said to ask again. */
async function ask(run: ReleaseRun, gate: PolicyGate, frozen: Frozen): Promise<Resolution | null> {
  const started = await startGate(run, frozen);
  if (started === "taken") return null;
  run.tell("waiting", `Waits at gate ${frozen.gate} for ${quorumInWords(gate)}.`);
  // One that was started before may have closed before this run could hear of it.
  const before = started === "adopted" ? await readResolution(frozen.gate) : null;
  run.gate = frozen.gate;
  const resolution = before ?? (await awaitResolution(run, frozen.gate));
  run.gate = null;
  return resolution;
}

/**
 * `adopted`: this release started it before, in a run that was reset. `taken`: somebody else's workflow had the id, and
 * a person said to ask again.
 */
async function startGate(run: ReleaseRun, frozen: Frozen): Promise<"started" | "adopted" | "taken"> {
  try {
    await startChild(gateWorkflow, {
      workflowId: workflowIds.gate(frozen.gate),
      args: [{ ...frozen, searchable: run.searchable }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `Gate ${frozen.gate}: may this version go on?`,
      ...(run.searchable && {
        typedSearchAttributes: pairs({ gate: frozen.gate, state: "opening" }),
      }),
    });
    return "started";
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const taken = await record("Looks whose workflow has the gate's id").gateIdTaken({ gate: frozen.gate });
    if (taken?.own) return "adopted";
    const workflow = workflowIds.gate(frozen.gate);
    const message = `The workflow id ${workflow} was taken by a workflow that Countersign did not start, so the gate could not open.`;
    const cure = "End that workflow in Temporal if it still runs, find out who started it, then retry: a new request is opened.";
    await run.block(
      {
        stage: "gate",
        code: "gate-id-taken",
        message,
        cure,
        faults: [],
        logTail: null,
        skippable: false,
      },
      null,
    );
    return "taken";
  }
}

async function readResolution(gate: GateId): Promise<Resolution | null> {
  const row = await record("Reads whether the gate was resolved before").readGate({ gate });
  return row?.state === "closed" ? row.resolution : null;
}

/** A report by signal is a hint: only the row of the gate says how it was resolved. False reports go on record. */
async function awaitResolution(run: ReleaseRun, gate: GateId): Promise<Resolution> {
  for (;;) {
    const hinted = await run.desk.nextHint();
    const row = await record("Reads how the gate was resolved").readGate({ gate: hinted });
    if (row?.state === "closed" && row.resolution !== null) {
      if (hinted === gate) return row.resolution;
      continue;
    }
    const why = row ? "The gate is open in the database." : "There is no such gate.";
    await refuseMessage({ message: "gateClosed", claimed: hinted.slice(0, 200), why });
  }
}
