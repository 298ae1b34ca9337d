import { readReleaseState } from "../../db/reads/releases.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { modelOf, workflowIds, type ReleaseId } from "../../domain/ids.ts";
import type { UnblockAction } from "../../domain/signed-command.ts";
import { lifecycleCommandUpdate, releaseCommandUpdate } from "../../workflows/messages.ts";
import { lifecycleGone } from "../command-run.ts";
import type { Caller } from "../caller.ts";
import type { ControlContext } from "../deps.ts";
import { unavailable } from "../faults.ts";
import { findRelease } from "../releases.ts";
import { askWatch } from "../watch.ts";
import { defineCommand, finishBy } from "./command.ts";

const find = async (context: ControlContext, caller: Caller, { id }: { id: string }) => findRelease(context, caller, id);

/** What a person says about a blocked release: retry (perhaps with changed parameters), skip, abandon. */
export const unblock = defineCommand({
  kind: "unblock",
  find,
  refusal: ({ found, request }) => notBlocked(found) ?? noSkip(found, request.action),
  body: ({ about: { id: release }, request: { action, reason, parameters } }) => ({
    kind: "unblock",
    release,
    action,
    reason,
    parameters,
  }),
  finish: finishBy<"unblock">(({ body: { release, action } }) => ({
    to: { workflowId: workflowIds.release(release) },
    update: releaseCommandUpdate,
    gone: (context) => diedInSilence(context, release),
    outcome: async () => ({ kind: "done", status: 200, value: { release, action } }),
  })),
});

/** Takes a release back, at any time before its version serves. */
export const withdrawRelease = defineCommand({
  kind: "withdraw-release",
  find,
  refusal: ({ found }) => ended(found),
  body: ({ about: { id: release }, request: { reason } }) => ({ kind: "withdraw-release", release, reason }),
  finish: finishBy<"withdraw-release">(({ body: { release } }) => ({
    // The lifecycle takes back what has not started, and tells a release that runs.
    to: { model: modelOf(release) },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    outcome: async ({ gate }) => ({
      kind: "done",
      status: 200,
      value: { release, gate: typeof gate === "string" ? gate : null },
    }),
  })),
});

/** Its workflow does not run: it has ended, or died in silence, which the watch then puts on record at once. */
async function diedInSilence(context: ControlContext, release: ReleaseId): Promise<CountersignError> {
  const row = await readReleaseState(context.db, release);
  if (row === undefined || row.state === "ended")
    return new CountersignError("not-active", `${release} ended as ${row?.outcome ?? "ended"}.`);
  await askWatch(context, release);
  return unavailable(
    `The workflow of ${release} ended in silence, so nothing was done. The watch ends the release within seconds; request it again then.`,
  );
}

function ended(row: ReleaseView): CountersignError | null {
  return row.state === "ended" ? new CountersignError("not-active", `${row.id} ended as ${row.outcome ?? "ended"}.`) : null;
}

function notBlocked(row: ReleaseView): CountersignError | null {
  if (row.state === "blocked") return null;
  return ended(row) ?? new CountersignError("not-blocked", `${row.id} is ${row.state}, not blocked.`);
}

function noSkip(row: ReleaseView, action: UnblockAction): CountersignError | null {
  if (action !== "skip" || row.blocked?.skippable === true) return null;
  return new CountersignError(
    "skip-not-allowed",
    `The policy of ${row.id} allows no skip of ${row.blocked?.stage ?? "this stage"}.`,
  );
}
