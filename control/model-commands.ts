import { CountersignError } from "../domain/errors.ts";
import { rolledBackSchema, type RolledBackView } from "../domain/http/model-views.ts";
import { reasonRequestSchema, rollbackRequestSchema } from "../domain/http/requests.ts";
import type { GateId, ModelName } from "../domain/ids.ts";
import { modelStates, type ModelState } from "../domain/lifecycle.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { lifecycleCommandUpdate } from "../workflows/messages.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Asked } from "./caller.ts";
import { finishCommand, refuseOnRecord, signed } from "./command-run.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { needModel } from "./models.ts";
import { requireScope, roleRefusal } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

/** A lifecycle is started when it does not run, so this is never met; if it is, trying again helps. */
export const lifecycleGone = new CountersignError(
  "unavailable",
  "The model's workflow could not be started. Try again with the same Idempotency-Key.",
);

/** Back to the previous champion, or to a named version that was approved before. */
export async function rollback(context: ControlContext, asked: Asked): Promise<Answer<RolledBackView>> {
  const { caller, about: model, sent } = asked;
  requireScope(caller, "operate");
  await needModel(context, caller, model);
  const body = checkBody(rollbackRequestSchema, sent.body);
  return runOnce(context, { caller, route: `POST /api/models/${model}/rollback`, key: sent.key, body }, async (begun) => {
    const refusal = roleRefusal(caller.principal, "rollback");
    if (refusal) return refuseOnRecord(context, { caller, kind: "rollback", subject: model, model, error: refusal });
    const { environment, to, reason } = body;
    return finishRollback(
      context,
      await signed(context, { begun, caller, body: { kind: "rollback", model, environment, to, reason } }),
    );
  });
}

export function finishRollback(context: ControlContext, command: CommandOf<"rollback">): Promise<Outcome<RolledBackView>> {
  const { model } = command.body;
  return finishCommand<CommandOf<"rollback">["body"], RolledBackView>(context, command, {
    to: { model },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    // As the activity that moved the slot wrote it.
    outcome: async (result) => ({ kind: "done", status: 200, value: rolledBackSchema.parse(result) }),
  });
}

type StateKind = "pause" | "resume" | "retire";
type StateChanged = { model: ModelName; state: ModelState; gate: GateId | null };

export async function changeState(context: ControlContext, kind: StateKind, asked: Asked): Promise<Answer<StateChanged>> {
  const { caller, about: model, sent } = asked;
  requireScope(caller, "operate");
  await needModel(context, caller, model);
  const body = checkBody(reasonRequestSchema, sent.body);
  return runOnce(context, { caller, route: `POST /api/models/${model}/${kind}`, key: sent.key, body }, async (begun) => {
    const refusal = roleRefusal(caller.principal, "pause");
    if (refusal) return refuseOnRecord(context, { caller, kind, subject: model, model, error: refusal });
    return finishStateChange(context, await signed(context, { begun, caller, body: { kind, model, reason: body.reason } }));
  });
}

export function finishStateChange(context: ControlContext, command: CommandOf<StateKind>): Promise<Outcome<StateChanged>> {
  const { model, kind } = command.body;
  return finishCommand<CommandOf<StateKind>["body"], StateChanged>(context, command, {
    to: { model },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    outcome: async (result) => {
      const state = modelStates.find((one) => one === result["state"]);
      if (!state) throw new Error(`The ${kind} ${command.id} left no state.`);
      const gate = typeof result["gate"] === "string" ? result["gate"] : null;
      return { kind: "done", status: gate === null ? 200 : 202, value: { model, state, gate } };
    },
  });
}
