import { setTimeout as sleep } from "node:timers/promises";
import { App, type BlockAction, type Receiver, type SlackViewAction, type webApi } from "@slack/bolt";
import type { Caller } from "../control/caller.ts";
import type { UnblockAction } from "../domain/signed-command.ts";
import { decisionKinds } from "../domain/gate.ts";
import { forms, readFacts, sentenceView } from "./blocks/forms.ts";
import { gateActions } from "./blocks/gate-message.ts";
import { modelActions, releaseActions } from "./blocks/notice-messages.ts";
import { clickModel, clickRelease, submitModelForm, submitUnblock } from "./commands-of-models.ts";
import type { SlackDeps } from "./deps.ts";
import { filledIn } from "./form-values.ts";
import { clickGate, submitDecision, type ClickOutcome, type GateWish, type Sending, type Submitted } from "./gate-clicks.ts";
import { publishHome } from "./home-tab.ts";
import { clickOf, submitterOf, textIn, type Click } from "./interaction.ts";
import { NotAcknowledged } from "./outcomes.ts";
import { whisper } from "./private-answer.ts";
import { createShown } from "./shown.ts";
import { answerCommand } from "./slash-command.ts";
import { clientOptions } from "./workspaces.ts";

/** Calls within a click have to fit Slack's three seconds. */
const interactiveTimeoutMs = 2_000;

/**
 * The app: everything that people can do in Slack, on whichever receiver. No call is made when it is
 * put together: a token that is wrong at that moment would break every later click.
 */
export function createSlackApp(given: Omit<SlackDeps, "keepShown">, receiver: Receiver): App {
  const deps: SlackDeps = { ...given, keepShown: createShown(given) };
  const app = new App({
    receiver,
    authorize: async ({ teamId }) => {
      const workspace = (await deps.workspaces.find(teamId ?? "")) ?? (await deps.workspaces.first());
      if (!workspace) throw new Error("This workspace is not on the list, or its token does not work.");
      const { botToken, botId, botUserId, team } = workspace;
      return { botToken, botId, botUserId, teamId: team };
    },
    tokenVerificationEnabled: false,
    convoStore: false,
    clientOptions: clientOptions({ slackApiUrl: deps.slackApiUrl, timeoutMs: interactiveTimeoutMs }),
    logger: clientOptions({ timeoutMs: interactiveTimeoutMs }).logger,
  });
  // Rejected on: the receiver answers 503 to what was not acknowledged.
  app.error((error) => {
    if (!(causeOf(error) instanceof NotAcknowledged)) deps.log.error({ err: causeOf(error) }, "an interaction of Slack failed");
    return Promise.reject(error);
  });
  takeClicks(app, deps);
  takeForms(app, deps);
  takeCommand(app, deps);
  app.event("app_home_opened", async ({ event, client, context }) => {
    const team = context.teamId ?? "";
    if (event.tab === "home") await publishHome(deps, client, { team, user: event.user, ownTeam: null });
  });
  return app;
}

/** Bolt wraps what a listener throws. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && "original" in error && error.original !== undefined ? error.original : error;
}

/** Told once the decision is durable: Slack gets its acknowledgement then, and the person the receipt when it is there. */
type OnAccepted = () => void;

type ClickHandler = (
  client: webApi.WebClient,
  of: { caller: Caller; click: Click; onAccepted: OnAccepted },
) => Promise<ClickOutcome>;

const gateWishes = [...decisionKinds, "approve-on-condition"] as const satisfies GateWish[];

function takeClicks(app: App, deps: SlackDeps): void {
  const on = (id: string, handle: ClickHandler) =>
    app.action<BlockAction>({ type: "block_actions", action_id: id }, async ({ ack, body, client, context }) => {
      const click = clickOf(body, context.teamId ?? "");
      await acknowledging({ deps, client, click, ack }, async (onAccepted) => {
        const identified = await deps.people.identify(client, click.actor);
        if (!("caller" in identified)) return identified;
        return handle(client, { caller: identified.caller, click, onAccepted });
      });
      // A click in the home tab changes what it shows.
      if (body.view?.type === "home") await publishHome(deps, client, click.actor).catch(() => undefined);
    });
  for (const wish of gateWishes) on(gateActions[wish], (client, of) => clickGate(deps, client, { ...of, wish }));
  const unblocks: [string, UnblockAction, boolean][] = [
    [releaseActions.retry, "retry", false],
    [releaseActions.change, "retry", true],
    [releaseActions.skip, "skip", false],
    [releaseActions.abandon, "abandon", false],
  ];
  for (const [id, action, withChanges] of unblocks)
    on(id, (client, of) => clickRelease(deps, client, { ...of, action, withChanges }));
  for (const [id, form] of [
    [modelActions.release, "request-release"],
    [modelActions.rollback, "rollback"],
  ] as const)
    on(id, (client, { caller, click }) => clickModel(deps, client, { caller, form, model: textIn(click.value, "m"), click }));
  // Links are opened by Slack itself, which tells it all the same.
  for (const id of [gateActions.open, releaseActions.temporal, releaseActions.open, modelActions.open])
    app.action(id, async ({ ack }) => ack());
}

/** Acknowledges once it is known what became of a click, or that it is durable, and tells the person. */
async function acknowledging(
  { deps, client, click, ack }: { deps: SlackDeps; client: webApi.WebClient; click: Click; ack: () => Promise<void> },
  handle: (onAccepted: OnAccepted) => Promise<ClickOutcome>,
): Promise<void> {
  let acknowledged: Promise<void> | null = null;
  const acknowledge = () => (acknowledged ??= ack());
  try {
    const outcome = await handle(() => void acknowledge());
    await acknowledge();
    if ("sentence" in outcome) await whisper(client, click.whisper, { sentence: outcome.sentence, log: deps.log });
  } catch (error) {
    const sentence = acknowledged !== null ? acceptedSentence : error instanceof NotAcknowledged ? error.sentence : null;
    if (sentence !== null) void whisper(client, click.whisper, { sentence, log: deps.log });
    if (acknowledged === null) throw error;
    if (!(error instanceof NotAcknowledged)) deps.log.error({ err: error }, "a click was taken, and its receipt was lost");
  }
}

/** Of the 2.5 s that a form has: what is durable but not on record by then is told afterwards. */
const recordWithinMs = 600;

function takeForms(app: App, deps: SlackDeps): void {
  const submit = (of: Sending): Promise<Submitted> => {
    const { facts } = of;
    if (facts.form === "decide") return submitDecision(deps, { ...of, facts });
    if (facts.form === "unblock") return submitUnblock(deps, { ...of, facts });
    return submitModelForm(deps, { ...of, facts });
  };
  for (const id of Object.values(forms))
    app.view<SlackViewAction>({ type: "view_submission", callback_id: id }, async ({ ack, body, view, client, context }) => {
      const facts = readFacts(view.private_metadata);
      const identified = await deps.people.identify(client, submitterOf(body, context.teamId ?? ""));
      if (facts === null || !("caller" in identified)) {
        const sentence = "sentence" in identified ? identified.sentence : "This form is not one of Countersign's.";
        return ack({ response_action: "update", view: sentenceView("Not done", sentence) });
      }
      const { promise: accepted, resolve: onAccepted } = Promise.withResolvers<void>();
      const filled = filledIn(view.state.values);
      const submitted = submit({ caller: identified.caller, facts, filled, onAccepted });
      const known = await Promise.race([submitted, accepted.then(() => sleep(recordWithinMs, null))]);
      if (known !== null) return ack(formAnswer(known));
      await ack({ response_action: "update", view: sentenceView("Accepted", acceptedSentence) });
      const late = await submitted.catch((error: unknown) => lateSentence(deps, error));
      const answer = formAnswer(late);
      if (answer.response_action === "update")
        await client.views.update({ view_id: view.id, view: answer.view }).catch(() => undefined);
    });
}

const acceptedSentence =
  "Your decision was accepted and is durable; it is being put on record. The message tells as soon as it is.";

/** After the acknowledgement nothing may fail any more; what the person read stays true. */
function lateSentence(deps: SlackDeps, error: unknown): Submitted {
  if (!(error instanceof NotAcknowledged)) deps.log.error({ err: error }, "a form was taken, and its receipt was lost");
  return { closed: acceptedSentence };
}

type FormAnswer =
  | { response_action: "errors"; errors: Record<string, string> }
  | { response_action: "update"; view: ReturnType<typeof sentenceView> };

function formAnswer(submitted: Submitted): FormAnswer {
  if ("errors" in submitted) return { response_action: "errors", errors: submitted.errors };
  const isDone = "closed" in submitted;
  const sentence = isDone ? submitted.closed : submitted.sentence;
  return { response_action: "update", view: sentenceView(isDone ? "Done" : "Not done", sentence) };
}

function takeCommand(app: App, deps: SlackDeps): void {
  app.command("/countersign", async ({ ack, command, client, context }) => {
    const actor = { team: context.teamId ?? "", user: command.user_id, ownTeam: command.team_id };
    const identified = await deps.people.identify(client, actor);
    const answer =
      "caller" in identified
        ? await answerCommand(deps, client, {
            actor,
            caller: identified.caller,
            text: command.text,
            triggerId: command.trigger_id,
          })
        : identified.sentence;
    return answer === null ? ack() : ack({ response_type: "ephemeral", text: answer });
  });
}
