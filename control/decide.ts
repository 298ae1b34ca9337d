import { recordAttempt } from "../db/attempts.ts";
import { keepSigned } from "../db/commands.ts";
import { gateVisible } from "../db/reads/gates.ts";
import { CountersignError, type Fault } from "../domain/errors.ts";
import { reasonRequired } from "../domain/gate.ts";
import type { ReceiptView } from "../domain/http/gate-views.ts";
import { decisionRequestSchema, type DecisionRequest } from "../domain/http/requests.ts";
import { gateIdPattern } from "../domain/ids.ts";
import { hasParameters } from "../domain/release-parameters.ts";
import type { DecisionCommand } from "../domain/signed-command.ts";
import type { Answer } from "./answer.ts";
import type { Asked } from "./caller.ts";
import { finishDecision } from "./decision-delivery.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { notFound, requireScope, scopeOf } from "./read-rights.ts";
import { readFacts, receiptOf, refusalOf, refuse } from "./receipts.ts";
import { faultsOf, unstorable } from "./request-body.ts";

/**
 * A decision attempt, answered in the published order: no such gate; invalid; the same command
 * again; what Postgres can settle; and only then the gate's workflow, under control's signature.
 * Every refusal is recorded with its receipt.
 */
export async function decide(context: ControlContext, asked: Asked): Promise<Answer<ReceiptView>> {
  const { caller, about: gate, sent } = asked;
  requireScope(caller, "decide");
  const visible = gateIdPattern.test(gate) && (await gateVisible(context.db, scopeOf(caller.principal), gate));
  if (!visible) throw notFound("gate", gate);
  const body = await checked(context, asked);
  const once = { caller, route: `POST /api/gates/${gate}/decisions`, key: sent.key, body, gate };
  return runOnce<ReceiptView>(context, once, async (begun) => {
    const at = context.clock().toISOString();
    const attempt = { gate, by: caller.principal, surface: caller.surface, at, decision: body.decision, digest: body.digest };
    // One that was begun before may be on record: that is looked at first, further on. It is signed
    // anew, with the present time and groups; where the first one arrived, that one stands.
    if (!begun.signed) {
      const row = await readFacts(context, attempt);
      const refusal = refusalOf(attempt, row);
      if (refusal) return refuse(context, { attempt, row, refusal });
    }
    const { id: principal, groups } = caller.principal;
    const { decision, digest, seen, reason, returnTo, parameters, inputs } = body;
    const command: DecisionCommand = context.signer.sign({
      id: begun.id,
      principal,
      groups,
      surface: caller.surface,
      at,
      body: { kind: "decide", gate, decision, digest, seen, reason, returnTo, parameters, inputs },
    });
    await keepSigned(context.db, command);
    return finishDecision(context, command);
  });
}

export function asDecision(command: { body: { kind: string } }): DecisionCommand {
  if (command.body.kind !== "decide") throw new TypeError(`A ${command.body.kind} is no decision.`);
  // The kind was just seen; the command was signed by `decide`.
  return command as DecisionCommand;
}

/** The body within all bounds; else the receipt `invalid`, recorded, and the gate goes on waiting. */
async function checked(context: ControlContext, { caller, about: gate, sent: { body: sent } }: Asked): Promise<DecisionRequest> {
  const parsed = decisionRequestSchema.safeParse(sent);
  const faults = parsed.success ? [...ruleFaults(parsed.data), ...unstorable(parsed.data)] : faultsOf(parsed.error);
  const unread = sent instanceof CountersignError ? sent : null;
  if (parsed.success && faults.length === 0) return parsed.data;
  const row = await readFacts(context, { gate, by: caller.principal });
  const decision = decisionRequestSchema.shape.decision.safeParse(decisionIn(sent)).data;
  const words = faults.map((fault) => `${fault.path || "the body"}: ${fault.message}`).join("; ");
  const message = `This is no valid decision: ${unread?.message ?? `${words}.`}`;
  const { id } = caller.principal;
  await recordAttempt(context.db, {
    gate,
    model: row.model,
    by: id,
    surface: caller.surface,
    decision: decision ?? "illegible",
    receipt: "invalid",
    message,
  });
  const attempt = {
    gate,
    by: caller.principal,
    surface: caller.surface,
    at: context.clock().toISOString(),
    decision: decision ?? "approve",
    digest: row.digest,
  };
  const { decision: named, ...receipt } = receiptOf(attempt, row, { receipt: "invalid", message });
  throw new CountersignError(unread?.code ?? "invalid", message, {
    faults: unread ? [] : faults,
    extra: { ...receipt, ...(decision && { decision: named }) },
  });
}

function decisionIn(sent: unknown): unknown {
  return typeof sent === "object" && sent !== null && "decision" in sent ? sent.decision : undefined;
}

/** What the schema cannot say. Inputs, conditions and chains of escalation are things that a policy names; the present ones name none. */
function ruleFaults(body: DecisionRequest): Fault[] {
  const faults: Fault[] = [];
  const { decision } = body;
  if (decision === "escalate")
    faults.push({ path: "decision", message: "this gate's policy names no further group to escalate to" });
  if (reasonRequired[decision] && !body.reason) faults.push({ path: "reason", message: `say why: ${decision} needs a reason` });
  if (decision !== "request-changes" && body.returnTo !== null)
    faults.push({ path: "returnTo", message: "goes with request-changes only" });
  if (decision !== "request-changes" && hasParameters(body.parameters))
    faults.push({ path: "parameters", message: "go with request-changes only" });
  if (Object.keys(body.inputs).length > 0) faults.push({ path: "inputs", message: "this gate's policy names no inputs" });
  if (body.conditions.length > 0)
    faults.push({ path: "conditions", message: "this gate's policy takes no conditional approvals" });
  return faults;
}
