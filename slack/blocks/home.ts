import type { GateItemView } from "../../domain/http/gate-views.ts";
import type { ModelItemView } from "../../domain/http/model-views.ts";
import { countOf, type Page } from "../../domain/http/record-views.ts";
import type { ReleaseItemView } from "../../domain/http/release-views.ts";
import { subjectInWords } from "../../domain/notice-text.ts";
import { actions, button, context, divider, header, section, type Block, type View } from "./blocks.ts";
import { gateActions, type GateButton } from "./gate-message.ts";
import { releaseActions } from "./notice-messages.ts";
import { linkTo, moment, plain, releaseStateInWords } from "./text.ts";

export interface HomeFacts {
  name: string;
  console: string;
  waiting: Page<GateItemView>;
  running: Page<ReleaseItemView>;
  models: Page<ModelItemView>;
}

/** Rows shown of each part; three times these are below the 100 blocks that a home tab may have. */
const rowsShown = { waiting: 12, running: 15, models: 20 } as const;

/** What waits for me, what runs, my models with their champions. */
export function homeView({ name, console, waiting, running, models }: HomeFacts): View {
  const [shownWaiting, restWaiting] = divided(waiting, rowsShown.waiting);
  const [shownRunning, restRunning] = divided(running, rowsShown.running);
  const [shownModels, restModels] = divided(models, rowsShown.models);
  return {
    type: "home",
    blocks: [
      header("Waits for you"),
      ...(shownWaiting.length === 0 ? [section("Nothing waits for you.")] : shownWaiting.flatMap(gateRow)),
      ...more(restWaiting, `${console}/inbox`),
      divider,
      header("Runs"),
      ...(shownRunning.length === 0 ? [section("No release runs.")] : shownRunning.map(releaseRow)),
      ...more(restRunning, `${console}/releases`),
      divider,
      header("Your models"),
      ...(shownModels.length === 0 ? [section("You may see no model.")] : shownModels.map(modelRow)),
      ...more(restModels, console),
      context(`You are ${plain(name, 80)} in ${linkTo(console, "Countersign")}.`),
    ],
  };
}

/** For somebody whom nothing is known of yet. */
export function strangerHome(sentence: string): View {
  return { type: "home", blocks: [header("Countersign"), section(sentence)] };
}

function gateRow(gate: GateItemView): Block[] {
  const value: GateButton = { g: gate.id, d: gate.request.digest };
  const lines = [
    `*${plain(gate.request.ask, 300)}* ${linkTo(gate.links.console, subjectInWords(gate.subject, gate.model))}`,
    plain(gate.recommendation.sentence, 400),
    `Until ${moment(gate.request.deadline)}`,
  ];
  return [
    section(lines.join("\n")),
    actions(`gate ${gate.id}`.slice(0, 255), [
      button("Approve", { id: gateActions.approve, value, style: "primary" }),
      button("Reject", { id: gateActions.reject, value, style: "danger" }),
      button("Open review", { id: gateActions.open, url: gate.links.console }),
    ]),
  ];
}

function releaseRow(release: ReleaseItemView): Block {
  const waits = release.blocked === null ? (release.waitsFor ?? "") : release.blocked.message;
  const text = `${linkTo(release.links.console, release.id)} ${plain(releaseStateInWords(release), 80)}\n${plain(waits, 300) || "under way"}`;
  const block = section(text);
  if (release.state !== "blocked") return block;
  return { ...block, accessory: button("Retry", { id: releaseActions.retry, value: { r: release.id } }) };
}

function modelRow(model: ModelItemView): Block {
  const slots = model.slots
    .slice(0, 5)
    .map(({ environment, champion }) =>
      champion === null
        ? `${plain(environment, 63)}: no champion`
        : `${plain(environment, 63)}: ${plain(champion.version, 80)} since ${moment(champion.since)}`,
    );
  const findings =
    model.findings.length === 0 ? "" : `\n${model.findings.length} open finding${model.findings.length === 1 ? "" : "s"}`;
  return section(
    `${linkTo(model.links.console, model.model)} ${plain(model.title, 150)}\n${slots.join(" · ") || "no champion yet"}${findings}`,
  );
}

function divided<Item>({ items, next }: Page<Item>, most: number): [Item[], Page<Item>] {
  return [items.slice(0, most), { items: items.slice(most), next }];
}

function more(rest: Page<unknown>, url: string): Block[] {
  return rest.items.length > 0 ? [context(linkTo(url, `and ${countOf(rest)} more`))] : [];
}
