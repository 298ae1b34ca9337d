import type { webApi } from "@slack/bolt";
import { createHash } from "node:crypto";
import type { Caller } from "../control/caller.ts";
import { CountersignError } from "../domain/errors.ts";
import { decisionWords, type DecisionKind } from "../domain/gate.ts";
import type { GateView, ReceiptView } from "../domain/http/gate-views.ts";
import { subjectInWords } from "../domain/notice-text.ts";
import type { GateInput } from "../domain/policy.ts";
import { decisionForm, type FormFacts } from "./blocks/forms.ts";
import { plain } from "./blocks/text.ts";
import type { SlackDeps } from "./deps.ts";
import { conditionsIn, errorsAtFields, inputsIn, parametersIn, type Filled } from "./form-values.ts";
import { textIn, type Click } from "./interaction.ts";
import { outcomeOf, refusalInWords } from "./outcomes.ts";

/** What a click led to: a sentence for the person, or a form that was opened. */
export type ClickOutcome = { sentence: string } | { opened: true };

/** What a click on a gate asks for. */
export type GateWish = DecisionKind | "approve-on-condition";

/** A click on a gate: by whom, on what, and whom to tell once the decision is durable. */
export interface GateClick {
  caller: Caller;
  click: Click;
  wish: GateWish;
  onAccepted: () => void;
}

/** A button of a gate's message. Approve decides at once where the policy asks for no inputs; the rest opens a form. */
export async function clickGate(deps: SlackDeps, client: webApi.WebClient, clicked: GateClick): Promise<ClickOutcome> {
  const { caller, click, wish } = clicked;
  const { value, actor, actionTs } = click;
  const gate = textIn(value, "g");
  const about = { gate, digest: textIn(value, "d"), key: `${actor.team}:${actor.user}:${actionTs}:${gate}` };
  if (wish === "approve" && value["i"] === 0) return decideAtOnce(deps, clicked, about);
  const view = await readGate(deps, caller, gate);
  if ("sentence" in view) return view;
  const inputs = inputsOf(view);
  if (wish === "approve" && inputs.length === 0) return decideAtOnce(deps, clicked, about);
  const again = sameAgain(view, caller, wish);
  if (again !== null) return { sentence: again };
  // A form that would be refused is not worth filling in. Whom an escalation is open to, control knows.
  // What is told of approving says nothing of another decision by somebody who has approved.
  const isAnother = view.you.receipt === "duplicate" && wish !== "approve" && wish !== "approve-on-condition";
  if (!view.you.mayDecide && !isAnother && (wish !== "escalate" || view.state === "closed"))
    return { sentence: plain(view.you.why ?? "You may not decide on this gate.", 1_500) };
  const { ask, conditional } = view.request;
  const form = decisionForm({
    ...about,
    ask,
    subject: subjectInWords(view.subject, view.model),
    decision: wish === "approve-on-condition" ? "approve" : wish,
    inputs,
    conditionsUntil: wish === "approve-on-condition" ? new Date(Date.now() + (conditional?.maxMs ?? 0)).toISOString() : null,
    seen: await deps.keepShown(caller, { gate, what: click.shown }),
  });
  await client.views.open({ trigger_id: click.triggerId, view: form });
  return { opened: true };
}

/**
 * Who decides the same way again, from a message that still has the button, is told what every surface says then.
 * What stands in `you` is about approving, and would tell somebody who rejected twice to withdraw the rejection.
 */
function sameAgain(view: GateView, caller: Caller, wish: GateWish): string | null {
  if (view.state === "closed" || wish === "escalate" || wish === "approve-on-condition") return null;
  const isOwn = (one: GateView["decisions"][number]) => one.by === caller.principal.id && one.decision === wish && one.counted;
  return view.decisions.some(isOwn) ? `Your ${decisionWords[wish].noun} is on record already; nothing more to do.` : null;
}

async function decideAtOnce(
  deps: SlackDeps,
  { caller, click, onAccepted }: GateClick,
  { gate, digest, key }: { gate: string; digest: string; key: string },
): Promise<ClickOutcome> {
  const seen = await deps.keepShown(caller, { gate, what: click.shown });
  const body = { decision: "approve", digest, seen };
  const outcome = await outcomeOf<ReceiptView>(() =>
    deps.control.run("decide", { caller, about: { id: gate }, sent: { body, key, onAccepted } }),
  );
  return { sentence: outcome.kind === "done" ? plain(outcome.value.message, 1_500) : refusalInWords(outcome.problem) };
}

async function readGate(deps: SlackDeps, caller: Caller, gate: string): Promise<GateView | { sentence: string }> {
  try {
    return await deps.control.gate(caller, gate);
  } catch (error) {
    if (error instanceof CountersignError && error.code === "not-found") return { sentence: plain(error.message) };
    throw error;
  }
}

function inputsOf({ request }: GateView): GateInput[] {
  return (request as { inputs?: GateInput[] }).inputs ?? [];
}

/** What becomes of a submitted form: it closes, says errors at its fields, or gives way to a sentence. */
export type Submitted = { closed: string } | { errors: Record<string, string> } | { sentence: string };

/** A form that was sent: by whom, what it carried, what was filled in, and whom to tell once a decision is durable. */
export interface Sending<Facts extends FormFacts = FormFacts> {
  caller: Caller;
  facts: Facts;
  filled: Filled;
  onAccepted?: () => void;
}

/** The form of a decision. The same form sent twice is one decision; changed after an error it is another attempt. */
export async function submitDecision(
  deps: SlackDeps,
  { caller, facts, filled, onAccepted }: Sending<Extract<FormFacts, { form: "decide" }>>,
): Promise<Submitted> {
  const { gate, digest, decision, seen, key } = facts;
  const { parameters, fault } = parametersIn(filled["parameters"] ?? null);
  if (fault !== null) return { errors: { parameters: fault } };
  const { conditions, rows } = conditionsIn(filled);
  const inputs = decision === "approve" ? inputsIn(filled, await inputsAsked(deps, caller, gate)) : {};
  const changes = decision === "request-changes" ? { returnTo: filled["returnTo"] ?? null, parameters } : {};
  const body = { decision, digest, seen, reason: filled["reason"] ?? null, inputs, conditions, ...changes };
  const attempt = `${key}:${createHash("sha256").update(JSON.stringify(body)).digest("base64url").slice(0, 16)}`;
  const outcome = await outcomeOf<ReceiptView>(() =>
    deps.control.run("decide", {
      caller,
      about: { id: gate },
      sent: { body, key: attempt, ...(onAccepted && { onAccepted }) },
    }),
  );
  if (outcome.kind === "done") return { closed: plain(outcome.value.message, 1_500) };
  const { problem } = outcome;
  const errors = problem.code === "invalid" ? errorsAtFields(problem.errors ?? [], Object.keys(filled), rows) : null;
  return errors === null ? { sentence: refusalInWords(problem) } : { errors };
}

async function inputsAsked(deps: SlackDeps, caller: Caller, gate: string): Promise<GateInput[]> {
  const view = await readGate(deps, caller, gate);
  return "sentence" in view ? [] : inputsOf(view);
}
