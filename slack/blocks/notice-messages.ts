import { driftInWords } from "../../domain/drift-words.ts";
import { noticeTitle, onDeadlineInWords, servesInWords } from "../../domain/notice-text.ts";
import type {
  AbortedNotice,
  BlockedNotice,
  DriftNotice,
  GateEventNotice,
  Notice,
  RevokedNotice,
  RolledBackNotice,
  WithdrawnNotice,
} from "../../domain/notices.ts";
import { countInWords } from "../../domain/wording.ts";
import { actions, button, section, type Block, type Button, type Message } from "./blocks.ts";
import { gateMessage, type Picture } from "./gate-message.ts";
import { linkTo, moment, plain, preformatted } from "./text.ts";

/** What a button of a blocked release carries. */
export interface ReleaseButton {
  r: string;
}

export const releaseActions = {
  retry: "release.retry",
  change: "release.retry-with-changes",
  skip: "release.skip",
  abandon: "release.abandon",
  temporal: "release.temporal",
  open: "release.open",
} as const;
export const modelActions = { rollback: "model.rollback", release: "model.release", open: "model.open" } as const;

/** Every notice as Slack shows it. */
export function messageOf(notice: Notice, picture: Picture | null = null): Message {
  switch (notice.kind) {
    case "gate":
      return gateMessage(notice, picture);
    case "gate-event":
      return { text: plain(noticeTitle(notice), 400), blocks: [section(eventText(notice))] };
    case "blocked":
      return { text: plain(noticeTitle(notice), 400), blocks: blockedBlocks(notice) };
    case "drift":
      return { text: plain(noticeTitle(notice), 400), blocks: driftBlocks(notice) };
    case "rolled-back":
      return { text: plain(noticeTitle(notice), 400), blocks: [section(rolledBackText(notice))] };
    case "aborted":
      return { text: plain(noticeTitle(notice), 400), blocks: abortedBlocks(notice) };
    case "revoked":
      return { text: plain(noticeTitle(notice), 400), blocks: revokedBlocks(notice) };
    case "withdrawn":
      return { text: plain(noticeTitle(notice), 400), blocks: withdrawnBlocks(notice) };
  }
}

function eventText({ sentence, what, deadline, onDeadline }: GateEventNotice): string {
  const waits = what === "reminded" || what === "escalated";
  return `${plain(sentence, 1_500)}${waits ? `\nUntil ${moment(deadline)}, ${onDeadlineInWords[onDeadline]}` : ""}`;
}

function blockedBlocks(notice: BlockedNotice): Block[] {
  const name = linkTo(notice.links.console, notice.release);
  const head = `*${name} ${notice.since === null ? "is" : "was"} blocked at ${plain(notice.stage, 60)}*\n${plain(notice.message, 1_200)}`;
  if (notice.since !== null) return [section(`${head}\n${plain(notice.since, 600)}`)];
  const log: Block[] = notice.logTail === null || notice.logTail.trim() === "" ? [] : [section(preformatted(notice.logTail))];
  return [section(`${head}\n${plain(notice.cure, 400)}`), ...log, actions("release", releaseButtons(notice))];
}

function releaseButtons({ release, skippable, links }: BlockedNotice): Button[] {
  const value: ReleaseButton = { r: release };
  return [
    button("Retry", { id: releaseActions.retry, value, style: "primary" }),
    button("Retry with changes", { id: releaseActions.change, value }),
    ...(skippable ? [button("Skip", { id: releaseActions.skip, value })] : []),
    button("Abandon", { id: releaseActions.abandon, value, style: "danger" }),
    ...(links.temporal === "" ? [] : [button("Open in Temporal", { id: releaseActions.temporal, url: links.temporal })]),
  ];
}

function driftBlocks({ model, version, environment, rows, from, to, columns, links }: DriftNotice): Block[] {
  const worst = columns
    .slice(0, 5)
    .map((one) => plain(driftInWords(one), 160))
    .join(", ");
  const more = columns.length > 5 ? ` and ${columns.length - 5} more` : "";
  const lines = [
    `*${linkTo(links.console, model)}: predictions in ${plain(environment, 63)} drift from the training data*`,
    `${countInWords(rows)} predictions of ${plain(version, 80)}, ${moment(from)} to ${moment(to)}`,
    `Most: ${worst}${more}`,
  ];
  const value = { m: model };
  return [
    section(lines.join("\n")),
    actions("model", [
      button("Start a release", { id: modelActions.release, value, style: "primary" }),
      button("Roll back", { id: modelActions.rollback, value }),
      button("Open model", { id: modelActions.open, url: links.console }),
    ]),
  ];
}

function revokedBlocks(notice: RevokedNotice): Block[] {
  const { model, environment, version, by, why, at, links } = notice;
  const lines = [
    `*The approval of ${linkTo(links.console, version)} for ${plain(environment, 63)} does not hold any more*`,
    plain(why, 800),
    `*${plain(servesInWords(notice), 300)}* By ${plain(by, 80)}, ${moment(at)}`,
  ];
  return [section(lines.join("\n")), modelButtons(model, links.console)];
}

function withdrawnBlocks({ model, environment, version, by, reason, at, links }: WithdrawnNotice): Block[] {
  const lines = [
    `*${linkTo(links.console, model)} serves nothing in ${plain(environment, 63)} any more*`,
    `${plain(version, 80)} was taken out by ${plain(by, 80)}, ${moment(at)}`,
    plain(reason, 800),
  ];
  return [section(lines.join("\n")), modelButtons(model, links.console)];
}

function modelButtons(model: string, url: string): Block {
  return actions("model", [
    button("Start a release", { id: modelActions.release, value: { m: model } }),
    button("Open model", { id: modelActions.open, url }),
  ]);
}

function rolledBackText({ model, environment, version, previous, by, reason, at, links }: RolledBackNotice): string {
  return [
    `*${linkTo(links.console, model)} was rolled back to ${plain(version, 80)}* in ${plain(environment, 63)}`,
    `by ${plain(by, 80)}, ${moment(at)}; ${plain(previous ?? "nothing", 80)} served before`,
    `“${plain(reason, 600)}”`,
  ].join("\n");
}

function abortedBlocks({ release, summary, champion, links, model }: AbortedNotice): Block[] {
  const serves = champion === null ? "No version serves." : `${plain(champion, 80)} serves.`;
  return [
    section(`*${linkTo(links.console, release)} broke off*\n${plain(summary, 1_500)}\n${serves}`),
    actions("model", [
      button("Start a release", { id: modelActions.release, value: { m: model } }),
      button("Open release", { id: releaseActions.open, url: links.console }),
    ]),
  ];
}
