import { forgetCommands, readPending, takeCommand } from "../db/commands.ts";
import type { Row } from "../db/schema.ts";
import { CountersignError, errorCodes } from "../domain/errors.ts";
import type { Outcome } from "./answer.ts";
import { finishAgain } from "./commands/registry.ts";
import type { ControlContext } from "./deps.ts";
import { keep } from "./idempotency.ts";

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
  const outcome = await finishAgain(context, taken.signed).catch((error: unknown) => refusalOf(error));
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
