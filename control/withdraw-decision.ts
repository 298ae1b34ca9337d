import { gateVisible } from "../db/reads/gates.ts";
import type { DecisionWithdrawnView } from "../domain/http/gate-views.ts";
import { reasonRequestSchema } from "../domain/http/requests.ts";
import { gateIdPattern, workflowIds } from "../domain/ids.ts";
import type { WithdrawalCommand } from "../domain/signed-command.ts";
import { withdrawUpdate } from "../workflows/messages.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Asked } from "./caller.ts";
import { finishCommand, signed } from "./command-run.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { notFound, requireScope, scopeOf } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

/** Takes back one's own decision while the gate is open. What has closed a gate can no longer be taken back. */
export async function withdrawDecision(
  context: ControlContext,
  { caller, about: gate, sent }: Asked,
): Promise<Answer<DecisionWithdrawnView>> {
  requireScope(caller, "decide");
  const visible = gateIdPattern.test(gate) && (await gateVisible(context.db, scopeOf(caller.principal), gate));
  if (!visible) throw notFound("gate", gate);
  const { reason } = checkBody(reasonRequestSchema, sent.body);
  const once = { caller, route: `POST /api/gates/${gate}/withdrawals`, key: sent.key, body: { reason }, gate };
  return runOnce(context, once, async (begun) =>
    finishWithdrawal(context, await signed(context, { begun, caller, body: { kind: "withdraw-decision", gate, reason } })),
  );
}

export function finishWithdrawal(context: ControlContext, command: WithdrawalCommand): Promise<Outcome<DecisionWithdrawnView>> {
  const { gate } = command.body;
  const closed = new CountersignError(
    "already-decided",
    `${gate} is closed; a decision can be taken back only while it is open.`,
  );
  return finishCommand<WithdrawalCommand["body"], DecisionWithdrawnView>(context, command, {
    to: { workflowId: workflowIds.gate(gate) },
    update: withdrawUpdate,
    gone: closed,
    outcome: async () => ({ kind: "done", status: 200, value: { gate, by: command.principal, at: command.at } }),
  });
}
