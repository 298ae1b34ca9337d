import { CountersignError } from "../domain/errors.ts";
import type { ReleaseView } from "../domain/http/release-views.ts";
import { reasonRequestSchema, unblockRequestSchema } from "../domain/http/requests.ts";
import { modelOf, workflowIds, type GateId, type ReleaseId } from "../domain/ids.ts";
import type { CommandOf, UnblockAction } from "../domain/signed-command.ts";
import { lifecycleCommandUpdate, releaseCommandUpdate } from "../workflows/messages.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Asked } from "./caller.ts";
import { finishCommand, refuseOnRecord, signed } from "./command-run.ts";
import { lifecycleGone } from "./model-commands.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { requireScope, roleRefusal } from "./read-rights.ts";
import { readRelease } from "./releases.ts";
import { checkBody } from "./request-body.ts";

type Unblocked = { release: ReleaseId; action: UnblockAction };
type Withdrawn = { release: ReleaseId; gate: GateId | null };

/** What a person says about a blocked release: retry (perhaps with changed parameters), skip, abandon. */
export async function unblock(context: ControlContext, asked: Asked): Promise<Answer<Unblocked>> {
  const { caller, about: release, sent } = asked;
  requireScope(caller, "operate");
  const row = await readRelease(context, caller, release);
  const body = checkBody(unblockRequestSchema, sent.body);
  return runOnce(context, { caller, route: `POST /api/releases/${release}/unblock`, key: sent.key, body }, async (begun) => {
    const refusal = begun.signed
      ? null
      : (roleRefusal(caller.principal, "unblock") ?? notBlocked(row) ?? noSkip(row, body.action));
    if (refusal) return refuseOnRecord(context, { caller, kind: "unblock", subject: release, model: row.model, error: refusal });
    const { action, reason, parameters } = body;
    return finishUnblock(
      context,
      await signed(context, { begun, caller, body: { kind: "unblock", release, action, reason, parameters } }),
    );
  });
}

export function finishUnblock(context: ControlContext, command: CommandOf<"unblock">): Promise<Outcome<Unblocked>> {
  const { release, action } = command.body;
  return finishCommand<CommandOf<"unblock">["body"], Unblocked>(context, command, {
    to: { workflowId: workflowIds.release(release) },
    update: releaseCommandUpdate,
    gone: gone(release),
    outcome: async () => ({ kind: "done", status: 200, value: { release, action } }),
  });
}

/** Takes a release back, at any time before its version serves. */
export async function withdraw(context: ControlContext, asked: Asked): Promise<Answer<Withdrawn>> {
  const { caller, about: release, sent } = asked;
  requireScope(caller, "operate");
  const row = await readRelease(context, caller, release);
  const body = checkBody(reasonRequestSchema, sent.body);
  return runOnce(context, { caller, route: `POST /api/releases/${release}/withdraw`, key: sent.key, body }, async (begun) => {
    const refusal = begun.signed ? null : (roleRefusal(caller.principal, "release") ?? notActive(row));
    if (refusal)
      return refuseOnRecord(context, { caller, kind: "withdraw-release", subject: release, model: row.model, error: refusal });
    return finishWithdraw(
      context,
      await signed(context, { begun, caller, body: { kind: "withdraw-release", release, reason: body.reason } }),
    );
  });
}

export function finishWithdraw(context: ControlContext, command: CommandOf<"withdraw-release">): Promise<Outcome<Withdrawn>> {
  const { release } = command.body;
  return finishCommand<CommandOf<"withdraw-release">["body"], Withdrawn>(context, command, {
    // The lifecycle takes back what has not started, and tells a release that runs.
    to: { model: modelOf(release) },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    outcome: async ({ gate }) => ({
      kind: "done",
      status: 200,
      value: { release, gate: typeof gate === "string" ? gate : null },
    }),
  });
}

function notBlocked(row: ReleaseView): CountersignError | null {
  if (row.state === "ended") return new CountersignError("not-active", `${row.id} ended as ${row.outcome ?? "ended"}.`);
  return row.state === "blocked" ? null : new CountersignError("not-blocked", `${row.id} is ${row.state}, not blocked.`);
}

function noSkip(row: ReleaseView, action: UnblockAction): CountersignError | null {
  if (action !== "skip" || row.blocked?.skippable === true) return null;
  return new CountersignError(
    "skip-not-allowed",
    `The policy of ${row.id} allows no skip of ${row.blocked?.stage ?? "this stage"}.`,
  );
}

function notActive(row: ReleaseView): CountersignError | null {
  if (row.state === "ended") return new CountersignError("not-active", `${row.id} ended as ${row.outcome ?? "ended"}.`);
  return null;
}

function gone(release: ReleaseId): CountersignError {
  return new CountersignError("not-active", `The workflow of ${release} has ended; look at the release's state.`);
}
