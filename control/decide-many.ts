import { errorCodes, CountersignError } from "../domain/errors.ts";
import type { DecisionAnswersView } from "../domain/http/gate-views.ts";
import { decisionsRequestSchema } from "../domain/http/requests.ts";
import type { Answer } from "./answer.ts";
import type { Caller, Sent } from "./caller.ts";
import { decide } from "./decide.ts";
import type { ControlContext } from "./deps.ts";
import { checkBody } from "./request-body.ts";
import { runOnce } from "./idempotency.ts";

/**
 * Several decisions in the order in which they stand, each answered as if it had been sent alone and
 * under a key of its own: what one of them is refused changes nothing for the others.
 */
export async function decideMany(context: ControlContext, caller: Caller, sent: Sent): Promise<Answer<DecisionAnswersView>> {
  const { decisions } = checkBody(decisionsRequestSchema, sent.body);
  const once = { caller, route: "POST /api/decisions", key: sent.key, body: { decisions } };
  return runOnce<DecisionAnswersView>(context, once, async (begun) => {
    const items: DecisionAnswersView["items"] = [];
    for (const [index, { gate, ...body }] of decisions.entries()) {
      // The key follows from the whole command's id, so that a batch that is taken up again decides nothing twice.
      const one = { caller, about: { id: gate }, sent: { body, key: `${begun.id}-${index}` } };
      items.push({ gate, ...(await answerOf(() => decide.run(context, one))) });
    }
    return { kind: "done", status: 200, value: { items } };
  });
}

async function answerOf(work: () => Promise<Answer<unknown>>): Promise<{ status: number; answer: Record<string, unknown> }> {
  try {
    const { status, body } = await work();
    const answer: unknown = JSON.parse(body);
    return { status, answer: { ...(typeof answer === "object" ? answer : {}) } };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    const { code, message, faults, extra } = error;
    return { status: errorCodes[code].status, answer: { code, detail: message, errors: faults, ...extra } };
  }
}
