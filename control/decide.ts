import { recordAttempt } from "../db/attempts.ts";
import { keepSigned } from "../db/commands.ts";
import { readAttempt, type AttemptRow } from "../db/reads/attempt-facts.ts";
import { gateVisible } from "../db/reads/gates.ts";
import { isRendering } from "../db/renderings.ts";
import { formFaults } from "../domain/decision-form.ts";
import { CountersignError, type Fault } from "../domain/errors.ts";
import type { ReceiptView } from "../domain/http/gate-views.ts";
import { decisionRequestSchema, type DecisionRequest } from "../domain/http/requests.ts";
import { gateIdPattern } from "../domain/ids.ts";
import type { DecisionCommand } from "../domain/signed-command.ts";
import type { Answer } from "./answer.ts";
import { routeOf, type AskedFor, type Command } from "./commands/command.ts";
import { finishDecision, tooMany } from "./decision-delivery.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { notFound, requireScope, scopeOf } from "./read-rights.ts";
import { receiptOf, refusalOf, refuse } from "./receipts.ts";
import { faultsOf, unstorable } from "./request-body.ts";

/**
 * A decision attempt, answered in the published order: no such gate; invalid; the same command
 * again; what Postgres can settle; and only then the gate's workflow, under control's signature.
 * Every refusal is recorded with its receipt. Of a crowd at one gate a few at a time ask the database,
 * so that the first is through before the last has begun, and the rest learn that the gate is closed.
 */
export const decide: Command<"decide"> = { run: attemptDecision, finish: (context, command) => finishDecision(context, command) };

async function attemptDecision(context: ControlContext, asked: AskedFor<"decide">): Promise<Answer<ReceiptView>> {
  requireScope(asked.caller, "decide");
  const deadline = Date.now() + context.limits.knownWithinMs;
  const answer = await context.door.enter(asked.about.id, deadline, () => decideInTurn(context, asked, deadline));
  if (answer === null) throw tooMany();
  return answer;
}

/** The time at the door is part of the time within which the outcome is told. */
async function decideInTurn(context: ControlContext, asked: AskedFor<"decide">, deadline: number): Promise<Answer<ReceiptView>> {
  const { caller, about, sent } = asked;
  const { id: gate } = about;
  const parsed = decisionRequestSchema.safeParse(sent.body);
  const seen = parsed.success ? parsed.data.seen : null;
  // Side by side: all three are on the way to the answer.
  const [visible, row, isShown] = gateIdPattern.test(gate)
    ? await Promise.all([
        gateVisible(context.db, scopeOf(caller.principal), gate),
        readAttempt(context.db, gate, caller.principal.id),
        seen !== null && isRendering(context.db, gate, seen),
      ])
    : [false, null, false];
  if (!visible || !row) throw notFound("gate", gate);
  const at = context.clock().toISOString();
  const body = await checked(context, asked, { parsed, row, at, isShown });
  const attempt = { gate, by: caller.principal, surface: caller.surface, at, decision: body.decision, digest: body.digest };
  const refusal = refusalOf(attempt, row);
  const { id: principal, groups } = caller.principal;
  const sign = (id: string): DecisionCommand =>
    context.signer.sign({ id, principal, groups, surface: caller.surface, at, body: { kind: "decide", gate, ...body } });
  const once = {
    caller,
    route: routeOf("decide", about),
    key: sent.key,
    body,
    gate,
    ...(refusal === null && { sign }),
  };
  return runOnce<ReceiptView>(context, once, async (begun) => {
    // One that was signed before may be on record: that is looked at first, further on. It is signed
    // anew, with the present time and groups; where the first one arrived, that one stands.
    const isFirst = begun.isNew || begun.signed === null;
    if (isFirst && refusal) return refuse(context, { attempt, row, refusal });
    // The key, the route and the body are those of before: what was signed then is a decision.
    const kept = begun.isNew && begun.signed ? (begun.signed as DecisionCommand) : null;
    const command = kept ?? sign(begun.id);
    if (!kept) await keepSigned(context.db, command);
    const fresh = isFirst ? { kind: caller.principal.kind, row, onAccepted: sent.onAccepted } : null;
    return finishDecision(context, command, { deadline, fresh });
  });
}

interface Checking {
  parsed: ReturnType<typeof decisionRequestSchema.safeParse>;
  row: AttemptRow;
  at: string;
  /** What the body names as seen was kept as shown of this gate. */
  isShown: boolean;
}

/** The body within all bounds; else the receipt `invalid`, recorded, and the gate goes on waiting. */
async function checked(
  context: ControlContext,
  { caller, about: { id: gate }, sent: { body: sent } }: AskedFor<"decide">,
  { parsed, row, at, isShown }: Checking,
): Promise<DecisionRequest> {
  const faults = parsed.success ? faultsIn(parsed.data, { row, at, isShown }) : faultsOf(parsed.error);
  const unread = sent instanceof CountersignError ? sent : null;
  if (parsed.success && faults.length === 0) return parsed.data;
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
    at,
    decision: decision ?? "approve",
    digest: row.digest,
  };
  const { decision: named, ...receipt } = receiptOf(attempt, row, { receipt: "invalid", message });
  throw new CountersignError(unread?.code ?? "invalid", message, {
    faults: unread ? [] : faults,
    extra: { ...receipt, ...(decision && { decision: named }) },
  });
}

/** What the schema cannot say: what this request takes, and whether what was seen was ever shown. */
function faultsIn(body: DecisionRequest, { row, at, isShown }: Omit<Checking, "parsed">): Fault[] {
  const shown = body.seen === null || body.seen === row.digest || isShown;
  return [
    ...formFaults(body, row.request, at),
    ...unstorable(body),
    ...(shown
      ? []
      : [
          {
            path: "seen",
            message: "nothing with this digest was shown of this gate; leave it out, or send the digest that came with the page",
          },
        ]),
  ];
}

function decisionIn(sent: unknown): unknown {
  return typeof sent === "object" && sent !== null && "decision" in sent ? sent.decision : undefined;
}
