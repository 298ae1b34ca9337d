import type { webApi } from "@slack/bolt";
import type { Caller } from "../control/caller.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ModelView } from "../domain/http/model-views.ts";
import { countOf, type Page } from "../domain/http/record-views.ts";
import { subjectInWords } from "../domain/notice-text.ts";
import { changeInWords, metricInWords, metricTitles } from "../domain/wording.ts";
import { linkTo, moment, plain, releaseStateInWords } from "./blocks/text.ts";
import { openModelForm, submitModelForm } from "./commands-of-models.ts";
import type { SlackDeps } from "./deps.ts";
import type { Actor } from "./people.ts";

/** `/countersign <word> <rest>` of one person. */
export interface SlashCommand {
  actor: Actor;
  caller: Caller;
  text: string;
  triggerId: string;
}

export const helpText = [
  "*/countersign* …",
  "`status`: what runs and what waits",
  "`inbox`: what waits for you",
  "`release <model> [reason]`: start a release",
  "`rollback <model> [reason]`: back to the previous champion",
  "`why <model>`: who approved what serves, and on which evidence",
  "`stuck`: releases that are blocked",
  "`help`: this",
].join("\n");

const mostLines = 15;

/** The private answer; null where a form was opened instead. Mistakes are answered with what to write. */
export async function answerCommand(deps: SlackDeps, client: webApi.WebClient, command: SlashCommand): Promise<string | null> {
  const [word = "", model = "", ...rest] = command.text.trim().split(/\s+/);
  try {
    switch (word.toLowerCase()) {
      case "":
      case "help":
        return helpText;
      case "status":
        return await status(deps, command.caller);
      case "inbox":
        return await inbox(deps, command.caller);
      case "stuck":
        return await stuck(deps, command.caller);
      case "why":
        return model === ""
          ? await whichModel(deps, command.caller, "why")
          : await why(deps, command.caller, model.toLowerCase());
      case "release":
      case "rollback":
        return await changeModel(deps, client, {
          command,
          word: word.toLowerCase(),
          model: model.toLowerCase(),
          reason: rest.join(" "),
        });
      default:
        return `I do not know “${plain(word, 60)}”.\n${helpText}`;
    }
  } catch (error) {
    if (error instanceof CountersignError && ["not-found", "forbidden", "invalid"].includes(error.code))
      return `${plain(error.message, 600)} ${await namesOf(deps, command.caller)}`;
    throw error;
  }
}

async function status({ control, publicUrl }: SlackDeps, caller: Caller): Promise<string> {
  const [models, releases, gates] = await Promise.all([
    control.models(caller, { limit: 50 }),
    control.releases(caller, { limit: 50, underWay: true }),
    control.gates(caller, { limit: 50, state: "open" }),
  ]);
  const lines = releases.items
    .slice(0, mostLines)
    .map((one) => `${linkTo(one.links.console, one.id)} ${plain(releaseStateInWords(one), 80)}`);
  return [
    `${countOf(models)} ${models.items.length === 1 ? "model" : "models"}, ${countOf(releases)} ${releases.items.length === 1 ? "release" : "releases"} under way, ${countOf(gates)} ${gates.items.length === 1 ? "gate" : "gates"} open. ${linkTo(publicUrl, "Console")}`,
    ...lines,
    ...rest(releases),
  ].join("\n");
}

async function inbox({ control }: SlackDeps, caller: Caller): Promise<string> {
  const page = await control.gates(caller, { limit: 50, state: "open", mine: true });
  const { items } = page;
  if (items.length === 0) return "Nothing waits for you.";
  const lines = items
    .slice(0, mostLines)
    .map(
      (gate) =>
        `${linkTo(gate.links.console, subjectInWords(gate.subject, gate.model))} ${plain(gate.request.ask, 200)} until ${moment(gate.request.deadline)}`,
    );
  return [`${countOf(page)} ${items.length === 1 ? "decision waits" : "decisions wait"} for you:`, ...lines, ...rest(page)].join(
    "\n",
  );
}

async function stuck({ control }: SlackDeps, caller: Caller): Promise<string> {
  const page = await control.releases(caller, { limit: 50, state: "blocked" });
  const { items } = page;
  if (items.length === 0) return "Nothing is stuck.";
  const lines = items.slice(0, mostLines).map(({ id, links, blocked }) => {
    const temporal = links.temporal === "" ? "" : ` · ${linkTo(links.temporal, "Temporal")}`;
    return `${linkTo(links.console, id)} at ${plain(blocked?.stage ?? "?", 40)}: ${plain(blocked?.message ?? "", 250)}${temporal}`;
  });
  return [`${countOf(page)} blocked:`, ...lines, ...rest(page)].join("\n");
}

/** What serves, since when, and on whose word. */
async function why({ control }: SlackDeps, caller: Caller, model: string): Promise<string> {
  const view = await control.model(caller, model);
  const champions = view.slots.flatMap(({ environment, champion }) => (champion ? [{ environment, ...champion }] : []));
  if (champions.length === 0) return `No version of ${linkTo(view.links.console, model)} serves yet.`;
  const texts = await Promise.all(champions.map((champion) => championInWords({ control }, caller, { view, champion })));
  return texts.join("\n\n");
}

async function championInWords(
  { control }: Pick<SlackDeps, "control">,
  caller: Caller,
  { view, champion }: { view: ModelView; champion: { environment: string; version: string; since: string } },
): Promise<string> {
  const version = await control.version(caller, champion.version);
  const approval = version.approvals.find((one) => one.environment === champion.environment && one.revokedAt === null);
  const metrics = version.metrics.slice(0, 3).map((row) => {
    const change = row.change === null ? "" : ` (${changeInWords(row.change.value)})`;
    return `${metricTitles[row.metric] ?? row.metric} ${metricInWords(row.candidate.value)}${change}`;
  });
  const by =
    approval && approval.by.length > 0
      ? `approved by ${approval.by.join(", ")}`
      : `by the policy ${approval?.policy.id ?? ""}, which asks nobody`;
  return [
    `*${linkTo(view.links.console, view.model)}* in ${plain(champion.environment, 63)}: ${linkTo(version.links.console, version.id)} since ${moment(champion.since)}`,
    plain(approval ? `${by}${approval.gate === null ? "" : ` at ${approval.gate}`}` : "no approval on record", 400),
    plain(metrics.join(", "), 400),
  ].join("\n");
}

async function changeModel(
  deps: SlackDeps,
  client: webApi.WebClient,
  { command, word, model, reason }: { command: SlashCommand; word: string; model: string; reason: string },
): Promise<string | null> {
  const { caller, actor, triggerId } = command;
  if (model === "") return whichModel(deps, caller, word);
  const form = word === "rollback" ? ("rollback" as const) : ("request-release" as const);
  const click = { actor, actionTs: triggerId, triggerId };
  if (reason === "") {
    const outcome = await openModelForm(deps, client, { caller, form, model, click });
    return "opened" in outcome ? null : outcome.sentence;
  }
  // One that is not there is answered with the names of those that are.
  await deps.control.model(caller, model);
  const facts = { form, model, key: `${actor.team}:${actor.user}:${triggerId}:${model}` };
  const submitted = await submitModelForm(deps, { caller, facts, filled: { reason } });
  if ("closed" in submitted) return submitted.closed;
  return "sentence" in submitted
    ? submitted.sentence
    : Object.values(submitted.errors)
        .map((one) => plain(one))
        .join(" ");
}

async function whichModel(deps: SlackDeps, caller: Caller, word: string): Promise<string> {
  return `Which model? \`/countersign ${word} <model>\`. ${await namesOf(deps, caller)}`;
}

async function namesOf({ control }: SlackDeps, caller: Caller): Promise<string> {
  const { items } = await control.models(caller, { limit: 20 });
  return items.length === 0 ? "You may see no model." : `You may see ${plain(items.map((one) => one.model).join(", "), 600)}.`;
}

function rest({ items, next }: Page<unknown>): string[] {
  return items.length > mostLines ? [`and ${countOf({ items: items.slice(mostLines), next })} more`] : [];
}
