import { createHash } from "node:crypto";
import type { webApi } from "@slack/bolt";
import type { Caller } from "../control/caller.ts";
import { CountersignError } from "../domain/errors.ts";
import { mayDo, rolePermissions } from "../domain/principal.ts";
import type { UnblockAction } from "../domain/signed-command.ts";
import { modelForm, unblockForm, type FormFacts } from "./blocks/forms.ts";
import { linkTo, plain, releaseStateInWords } from "./blocks/text.ts";
import type { SlackDeps } from "./deps.ts";
import { errorsAtFields, parametersIn, type Filled } from "./form-values.ts";
import type { ClickOutcome, Sending, Submitted } from "./gate-clicks.ts";
import { textIn, type Click } from "./interaction.ts";
import { outcomeOf, refusalInWords, type Done } from "./outcomes.ts";

/** A button of a blocked release: each needs a reason, so each opens a form. */
export async function clickRelease(
  deps: SlackDeps,
  client: webApi.WebClient,
  { caller, click, action, withChanges }: { caller: Caller; click: Click; action: UnblockAction; withChanges: boolean },
): Promise<ClickOutcome> {
  const release = textIn(click.value, "r");
  try {
    const view = await deps.control.release(caller, release);
    if (view.blocked === null)
      return { sentence: `${plain(release)} is not blocked any more: it ${plain(releaseStateInWords(view))}.` };
    if (!view.actions.includes(action))
      return {
        sentence:
          notYours(caller, "unblock", `${action} ${plain(release)}`) ?? `${plain(release)} cannot be ${unblocked[action]}.`,
      };
    const key = keyOf(click, release);
    const form = unblockForm({ release, action, withChanges, message: view.blocked.message, key });
    await client.views.open({ trigger_id: click.triggerId, view: form });
    return { opened: true };
  } catch (error) {
    return sentenceOf(error);
  }
}

export interface ModelFormOf {
  caller: Caller;
  form: "request-release" | "rollback";
  model: string;
  click: Pick<Click, "actor" | "actionTs" | "triggerId">;
}

/** A button that starts a release of a model, or rolls it back. */
export async function clickModel(deps: SlackDeps, client: webApi.WebClient, of: ModelFormOf): Promise<ClickOutcome> {
  try {
    return await openModelForm(deps, client, of);
  } catch (error) {
    return sentenceOf(error);
  }
}

/** Both need a reason, so both open a form, but for one that could only be refused. Throws `not-found`. */
export async function openModelForm(
  deps: SlackDeps,
  client: webApi.WebClient,
  { caller, form, model, click }: ModelFormOf,
): Promise<ClickOutcome> {
  const view = await deps.control.model(caller, model);
  const action = form === "rollback" ? "rollback" : "release";
  const words = form === "rollback" ? { may: "roll back", be: "rolled back" } : { may: "release", be: "released" };
  if (!view.actions.includes(action))
    return {
      sentence:
        notYours(caller, action, `${words.may} ${plain(model)}`) ??
        `${plain(model)} cannot be ${words.be} now: it is ${view.state}.`,
    };
  const champion = view.slots.find((slot) => slot.champion !== null)?.champion?.version ?? null;
  if (form === "rollback" && champion === null)
    return { sentence: `No version of ${plain(model)} serves, so there is nothing to roll back.` };
  const serves = champion === null ? "No version serves yet." : `${plain(champion)} serves now.`;
  const goesBack = form === "rollback" ? " The champion before it comes back at once, if its approval stands." : "";
  const text = `*${plain(view.title || model, 200)}*\n${serves}${goesBack}`;
  await client.views.open({ trigger_id: click.triggerId, view: modelForm({ form, model, text, key: keyOf(click, model) }) });
  return { opened: true };
}

const unblocked: Record<UnblockAction, string> = { retry: "tried again", skip: "skipped at this stage", abandon: "abandoned" };

/** Why somebody may not, by what they are; null where it is not for that. */
function notYours(caller: Caller, action: keyof typeof rolePermissions, what: string): string | null {
  if (mayDo(caller.principal, action)) return null;
  const roles = rolePermissions[action];
  return `You may not ${what}: that takes the role ${roles.slice(0, -1).join(", ")}${roles.length > 1 ? " or " : ""}${roles.at(-1)}.`;
}

function keyOf({ actor, actionTs }: Pick<Click, "actor" | "actionTs">, about: string): string {
  return `${actor.team}:${actor.user}:${actionTs}:${about}`;
}

function sentenceOf(error: unknown): { sentence: string } {
  if (error instanceof CountersignError && ["not-found", "forbidden", "invalid"].includes(error.code))
    return { sentence: plain(error.message, 1_500) };
  throw error;
}

export async function submitUnblock(
  deps: SlackDeps,
  { caller, facts, filled }: Sending<Extract<FormFacts, { form: "unblock" }>>,
): Promise<Submitted> {
  const { release, action, key } = facts;
  const { parameters, fault } = parametersIn(filled["parameters"] ?? null);
  if (fault !== null) return { errors: { parameters: fault } };
  const body = { action, reason: filled["reason"] ?? "", parameters };
  const sent = { body, key: attemptKey(key, body) };
  const outcome = await outcomeOf(() => deps.control.run("unblock", { caller, about: { id: release }, sent }));
  const done: Record<UnblockAction, string> = {
    retry: "is tried again",
    skip: "goes on without the stage",
    abandon: "was abandoned",
  };
  return submitted(outcome, filled, () => `${plain(release)} ${done[action]}.`);
}

export async function submitModelForm(
  deps: SlackDeps,
  of: Sending<Extract<FormFacts, { form: "request-release" | "rollback" }>>,
): Promise<Submitted> {
  const { caller, facts, filled } = of;
  const body = { reason: filled["reason"] ?? "" };
  const asked = { caller, about: { model: facts.model }, sent: { body, key: attemptKey(facts.key, body) } };
  if (facts.form === "rollback") {
    const outcome = await outcomeOf(() => deps.control.run("rollback", asked));
    return submitted(
      outcome,
      filled,
      ({ deployment }) => `${plain(deployment.version)} serves in ${plain(deployment.environment)} again.`,
    );
  }
  const outcome = await outcomeOf(() => deps.control.run("request-release", asked));
  return submitted(outcome, filled, ({ release, folded, links }) =>
    folded
      ? `Your request went into ${linkTo(links.console, release)}, which was there.`
      : `${linkTo(links.console, release)} was requested.`,
  );
}

/** The same form again is the same command; a changed one is another. */
function attemptKey(key: string, body: object): string {
  return `${key}:${createHash("sha256").update(JSON.stringify(body)).digest("base64url").slice(0, 16)}`;
}

function submitted<Value>(outcome: Done<Value>, filled: Filled, words: (value: Value) => string): Submitted {
  if (outcome.kind === "done") return { closed: words(outcome.value) };
  const { problem } = outcome;
  const errors = problem.code === "invalid" ? errorsAtFields(problem.errors ?? [], Object.keys(filled)) : null;
  return errors === null ? { sentence: refusalInWords(problem) } : { errors };
}
