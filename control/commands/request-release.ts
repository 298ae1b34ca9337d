import { setTimeout as sleep } from "node:timers/promises";
import { readCommandResult } from "../../db/commands.ts";
import { readFolding, releaseExists } from "../../db/reads/releases.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { ModelItemView } from "../../domain/http/model-views.ts";
import type { ReleaseRequestedView } from "../../domain/http/release-views.ts";
import type { ReleaseId } from "../../domain/ids.ts";
import type { Trigger } from "../../domain/lifecycle.ts";
import type { Surface } from "../../domain/principal.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { requestReleaseUpdate } from "../../workflows/messages.ts";
import type { Outcome } from "../answer.ts";
import { codeOf, lifecycleGone, messageIn } from "../command-run.ts";
import { deliver } from "../delivery.ts";
import type { ControlContext } from "../deps.ts";
import { unavailable } from "../faults.ts";
import { releaseLinks } from "../links.ts";
import { defineCommand } from "./command.ts";
import { findModel } from "./models.ts";

/** The release's row follows the workflow's answer within moments; a link to it should work at once. */
const rowWithinMs = 3_000;
const triggerOf: Record<Surface, Trigger> = { api: "api", console: "console", cli: "cli", slack: "slack", temporal: "api" };

/** Asks for a release; the lifecycle answers at once which one it leads to. */
export const requestRelease = defineCommand({
  kind: "request-release",
  find: findModel,
  refusal: ({ found }) => notTaking(found.present),
  body: ({ caller, about: { model }, request: { reason, parameters } }) => ({
    kind: "request-release",
    model,
    reason,
    trigger: triggerOf[caller.surface],
    parameters,
  }),
  finish: finishRequest,
});

function notTaking(model: ModelItemView): CountersignError | null {
  if (model.state === "paused") return new CountersignError("model-paused", `${model.model} is paused and takes no releases.`);
  if (model.state === "retired") return new CountersignError("model-retired", `${model.model} was retired.`);
  return null;
}

async function finishRequest(
  context: ControlContext,
  command: CommandOf<"request-release">,
): Promise<Outcome<ReleaseRequestedView>> {
  const known = await readFolding(context.db, command.id);
  if (known) return requested(context, known);
  const deadline = Date.now() + context.limits.knownWithinMs;
  const delivery = await deliver(context, { to: { model: command.body.model }, update: requestReleaseUpdate, command, deadline });
  switch (delivery.kind) {
    case "accepted":
      return onRecord(context, command.id, delivery.reply);
    case "refused":
      throw new CountersignError(codeOf(delivery.type), delivery.message);
    case "gone":
      throw lifecycleGone;
    case "unreached":
      throw unavailable(
        `Temporal cannot be reached, so nothing was requested (${delivery.why}). Try again with the same Idempotency-Key.`,
      );
    case "unknown": {
      const message = "It is not known yet whether the request arrived; it is delivered again by itself. Ask under the link.";
      return { kind: "pending", value: { receipt: "pending", command: command.id, message } };
    }
  }
}

/** Waits for the record of the request; a refusal that only the database can know (paused meanwhile) shows there too. */
async function onRecord(
  context: ControlContext,
  command: string,
  reply: { release: ReleaseId; folded: boolean },
): Promise<Outcome<ReleaseRequestedView>> {
  for (const until = Date.now() + rowWithinMs; Date.now() < until; await sleep(25)) {
    const result = await readCommandResult(context.db, command).catch(() => undefined);
    if (result && !result.ok) throw new CountersignError(codeOf(result.code ?? "internal"), messageIn(result));
    if (result && (await releaseExists(context.db, reply.release))) break;
  }
  // A release that ended in the same moment took nothing in: the record says to which one the request led.
  return requested(context, (await readFolding(context.db, command)) ?? reply);
}

function requested(
  context: ControlContext,
  { release, folded }: { release: ReleaseId; folded: boolean },
): Outcome<ReleaseRequestedView> {
  return { kind: "done", status: 202, value: { release, folded, links: releaseLinks(context, release) } };
}
