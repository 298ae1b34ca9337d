import { CountersignError } from "../domain/errors.ts";
import { brokeGlassSchema, type BrokeGlassView } from "../domain/http/model-views.ts";
import { breakGlassRequestSchema } from "../domain/http/requests.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { lifecycleCommandUpdate } from "../workflows/messages.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Asked, Caller } from "./caller.ts";
import { finishCommand, refuseOnRecord, signed } from "./command-run.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { lifecycleGone } from "./model-commands.ts";
import { needModel } from "./models.ts";
import { requireScope, roleRefusal } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

/** Promotes or rolls back at once, on the word of one who holds the role; others review it. */
export async function breakGlass(context: ControlContext, asked: Asked): Promise<Answer<BrokeGlassView>> {
  const { caller, about: model, sent } = asked;
  requireScope(caller, "operate");
  await needModel(context, caller, model);
  const body = checkBody(breakGlassRequestSchema, sent.body);
  return runOnce(context, { caller, route: `POST /api/models/${model}/break-glass`, key: sent.key, body }, async (begun) => {
    const refusal = breakGlassRefusal(caller);
    if (refusal) return refuseOnRecord(context, { caller, kind: "break-glass", subject: model, model, error: refusal });
    const { action, environment, version, reason } = body;
    return finishBreakGlass(
      context,
      await signed(context, { begun, caller, body: { kind: "break-glass", model, action, environment, version, reason } }),
    );
  });
}

function breakGlassRefusal({ principal }: Caller): CountersignError | null {
  if (principal.kind !== "person")
    return new CountersignError("forbidden", `${principal.id} is a machine; only people break the glass.`);
  return roleRefusal(principal, "break-glass");
}

export function finishBreakGlass(context: ControlContext, command: CommandOf<"break-glass">): Promise<Outcome<BrokeGlassView>> {
  const { model } = command.body;
  return finishCommand<CommandOf<"break-glass">["body"], BrokeGlassView>(context, command, {
    to: { model },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    // As the activity that moved the slot wrote it.
    outcome: async (result) => ({ kind: "done", status: 200, value: brokeGlassSchema.parse(result) }),
  });
}
