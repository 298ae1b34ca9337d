import { forgetCommands, readPending, takeCommand } from "../db/commands.ts";
import type { Row } from "../db/schema.ts";
import { CountersignError, errorCodes } from "../domain/errors.ts";
import type { CommandOf, SignedCommand } from "../domain/signed-command.ts";
import type { Outcome } from "./answer.ts";
import { finishBreakGlass } from "./break-glass.ts";
import { finishApply } from "./apply-definition.ts";
import { asDecision } from "./decide.ts";
import { finishDecision } from "./decision-delivery.ts";
import { finishCloseFinding } from "./findings.ts";
import { finishWithdrawal } from "./withdraw-decision.ts";
import type { ControlContext } from "./deps.ts";
import { keep } from "./idempotency.ts";
import { finishRollback, finishStateChange } from "./model-commands.ts";
import { finishPropose } from "./propose-policy.ts";
import { finishUnblock, finishWithdraw } from "./release-commands.ts";
import { finishReproduce } from "./reproduction.ts";
import { finishRequest } from "./request-release.ts";

const atOnce = 20;
const answersKeptDays = 30;

/**
 * Delivers pending commands again under their ids and puts on record what became of them. Gives
 * how many became known. Several servers may do this at once: each command is taken by one.
 */
export async function settlePending(context: ControlContext): Promise<number> {
  const pending = await readPending(context.db, atOnce);
  const settled = await Promise.all(pending.map((row) => settle(context, row)));
  return settled.filter(Boolean).length;
}

export function forgetOldCommands(context: ControlContext): Promise<number> {
  return forgetCommands(context.db, answersKeptDays);
}

async function settle(context: ControlContext, row: Row<"commands">): Promise<boolean> {
  const taken = await takeCommand(context.db, row.id, context.limits.leaseMs);
  if (!taken?.signed) return false;
  const outcome = await finish(context, taken.signed).catch((error: unknown) => refusalOf(error));
  if (outcome && outcome.kind !== "pending") {
    await keep(context, row.id, outcome);
    return true;
  }
  if (context.clock().getTime() - row.created_at.getTime() < context.limits.settleWithinMs) return false;
  const error = new CountersignError(
    "expired",
    "It could not be delivered for half an hour and was given up; nothing was recorded of it. Look at the present state and ask anew.",
  );
  await keep(context, row.id, { kind: "refused", error });
  return true;
}

/** A refusal is an outcome; a 5xx is none yet. */
function refusalOf(error: unknown): Outcome<unknown> | null {
  const refusal = error instanceof CountersignError && errorCodes[error.code].status < 500;
  return refusal ? { kind: "refused", error } : null;
}

function finish(context: ControlContext, command: SignedCommand): Promise<Outcome<unknown>> {
  // Each was signed by the use case of its kind; the kind tells the type of the body.
  switch (command.body.kind) {
    case "decide":
      return finishDecision(context, asDecision(command));
    case "request-release":
      return finishRequest(context, command as CommandOf<"request-release">);
    case "apply-definition":
      return finishApply(context, command as CommandOf<"apply-definition">);
    case "propose-policy":
      return finishPropose(context, command as CommandOf<"propose-policy">);
    case "reproduce":
      return finishReproduce(context, command as CommandOf<"reproduce">);
    case "rollback":
      return finishRollback(context, command as CommandOf<"rollback">);
    case "pause":
    case "resume":
    case "retire":
      return finishStateChange(context, command as CommandOf<"pause" | "resume" | "retire">);
    case "unblock":
      return finishUnblock(context, command as CommandOf<"unblock">);
    case "withdraw-release":
      return finishWithdraw(context, command as CommandOf<"withdraw-release">);
    case "break-glass":
      return finishBreakGlass(context, command as CommandOf<"break-glass">);
    case "withdraw-decision":
      return finishWithdrawal(context, command as CommandOf<"withdraw-decision">);
    case "close-finding":
      return finishCloseFinding(context, command as CommandOf<"close-finding">);
  }
}
