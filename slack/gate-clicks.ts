import type { webApi } from "@slack/bolt";
import { createHash } from "node:crypto";
import type { Caller } from "../control/caller.ts";
import { CountersignError } from "../domain/errors.ts";
import type { DecisionKind } from "../domain/gate.ts";
import type { GateView, ReceiptView } from "../domain/http/gate-views.ts";
import type { GateInput } from "../domain/policy.ts";
import { decisionForm, type FormFacts } from "./blocks/forms.ts";
import { plain } from "./blocks/text.ts";
import type { SlackDeps } from "./deps.ts";
import { errorsAtFields, inputsIn, parametersIn, type Filled } from "./form-values.ts";
import { textIn, type Click } from "./interaction.ts";
import { outcomeOf, refusalInWords } from "./outcomes.ts";

/** What a click led to: a sentence for the person, or a form that was opened. */
export type ClickOutcome = { sentence: string } | { opened: true };

/** A button of a gate's message. Approve decides at once where the policy asks for no inputs; the rest opens a form. */
export async function clickGate(
  deps: SlackDeps,
  client: webApi.WebClient,
  { caller, click, decision }: { caller: Caller; click: Click; decision: DecisionKind },
): Promise<ClickOutcome> {
  const { value, actor, actionTs } = click;
  const gate = textIn(value, "g");
  const digest = textIn(value, "d");
  const key = `${actor.team}:${actor.user}:${actionTs}:${gate}`;
  if (decision === "approve" && value["i"] === 0) return decideAtOnce(deps, { caller, gate, digest, key });
  const view = await readGate(deps, caller, gate);
  if ("sentence" in view) return view;
  const inputs = inputsOf(view);
  if (decision === "approve" && inputs.length === 0) return decideAtOnce(deps, { caller, gate, digest, key });
  // A form that would be refused is not worth filling in. Whom an escalation is open to, control knows.
  if (!view.you.mayDecide && (decision !== "escalate" || view.state === "closed"))
    return { sentence: plain(view.you.why ?? "You may not decide on this gate.", 1_500) };
  const form = decisionForm({ gate, digest, ask: view.request.ask, subject: view.subject.id, decision, inputs, key });
  await client.views.open({ trigger_id: click.triggerId, view: form });
  return { opened: true };
}

async function decideAtOnce(
  deps: SlackDeps,
  { caller, gate, digest, key }: { caller: Caller; gate: string; digest: string; key: string },
): Promise<ClickOutcome> {
  const body = { decision: "approve", digest, seen: null };
  const outcome = await outcomeOf<ReceiptView>(() => deps.control.decide(caller, gate, { body, key }));
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

/** The form of a decision. The same form sent twice is one decision; changed after an error it is another attempt. */
export async function submitDecision(
  deps: SlackDeps,
  { caller, facts, filled }: { caller: Caller; facts: Extract<FormFacts, { form: "decide" }>; filled: Filled },
): Promise<Submitted> {
  const { gate, digest, decision, key } = facts;
  const { parameters, fault } = parametersIn(filled["parameters"] ?? null);
  if (fault !== null) return { errors: { parameters: fault } };
  const inputs = decision === "approve" ? inputsIn(filled, await inputsAsked(deps, caller, gate)) : {};
  const changes = decision === "request-changes" ? { returnTo: filled["returnTo"] ?? null, parameters } : {};
  const body = { decision, digest, seen: null, reason: filled["reason"] ?? null, inputs, ...changes };
  const attempt = `${key}:${createHash("sha256").update(JSON.stringify(body)).digest("base64url").slice(0, 16)}`;
  const outcome = await outcomeOf<ReceiptView>(() => deps.control.decide(caller, gate, { body, key: attempt }));
  if (outcome.kind === "done") return { closed: plain(outcome.value.message, 1_500) };
  const { problem } = outcome;
  const errors = problem.code === "invalid" ? errorsAtFields(problem.errors ?? [], Object.keys(filled)) : null;
  return errors === null ? { sentence: refusalInWords(problem) } : { errors };
}

async function inputsAsked(deps: SlackDeps, caller: Caller, gate: string): Promise<GateInput[]> {
  const view = await readGate(deps, caller, gate);
  return "sentence" in view ? [] : inputsOf(view);
}
