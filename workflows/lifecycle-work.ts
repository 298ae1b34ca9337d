import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { ParentClosePolicy, startChild, WorkflowIdReusePolicy } from "@temporalio/workflow";
import { workflowIds, type ReleaseId } from "../domain/ids.ts";
import type { LifecycleState, Work } from "./lifecycle-state.ts";
import { record } from "./records.ts";
import { refuseMessage } from "./refusal.ts";
import { release as releaseWorkflow } from "./release.ts";

/** Does one piece of a lifecycle's work: creates, starts or folds into a release, or looks whether one ended. */
export async function carryOn(state: LifecycleState, work: Work): Promise<void> {
  switch (work.kind) {
    case "create": {
      const created = await record(`Creates ${work.release}`).createRelease({
        model: state.model,
        release: work.release,
        number: numberOf(work.release),
        ...work.startedBy,
      });
      if (!created.ok) return state.clear(work.release);
      if (work.startNow) await start(state, work.release);
      return;
    }
    case "fold": {
      const answer = await record(`Folds a request into ${work.release}`).foldRequest({
        command: work.command,
        release: work.release,
      });
      if (!("ended" in answer)) return;
      await lookWhetherEnded(state, work.release);
      return state.admitAnew(work.command);
    }
    case "start":
      return start(state, work.release);
    case "ended":
      return lookWhetherEnded(state, work.release);
  }
}

function numberOf(release: ReleaseId): number {
  return Number(release.slice(release.lastIndexOf(".") + 1));
}

async function start(state: LifecycleState, release: ReleaseId): Promise<void> {
  try {
    await startChild(releaseWorkflow, {
      workflowId: workflowIds.release(release),
      args: [{ release, model: state.model }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `Release ${release}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const workflow = workflowIds.release(release);
    await record("Puts a taken id on record").refuseMessage({
      workflow,
      message: "start",
      claimed: workflow,
      why: "This workflow id was taken by somebody else's workflow.",
    });
    const summary = `The workflow id ${workflow} was taken by a workflow that Countersign did not start. Request the release again: it gets another number.`;
    await record("Ends the release that could not start").endRelease({
      release,
      outcome: "abandoned",
      next: null,
      summary,
    });
    state.clear(release);
  }
}

/** A release says that it ended; its row says whether it did, and whether reviewers want a successor. */
async function lookWhetherEnded(state: LifecycleState, release: ReleaseId): Promise<void> {
  const row = await record(`Reads how ${release.slice(0, 80)} ended`).readRelease({ release });
  if (row?.state !== "ended") {
    const why = row ? "The release has not ended." : "There is no such release.";
    await refuseMessage({ message: "releaseEnded", claimed: release.slice(0, 200), why });
    return;
  }
  const wasActive = state.carried.active?.release === release;
  if (wasActive && row.outcome === "changes-requested" && row.changes) {
    state.carried.active = null;
    state.succeed({ release, gate: row.changes });
    return;
  }
  state.clear(release);
}
