import { closedLine, metricLine, noticeTitle, onDeadlineInWords, worseLine } from "../../domain/notice-text.ts";
import type { GateNotice } from "../../domain/notices.ts";
import type { Digest } from "../../domain/ids.ts";
import { actions, button, context, section, type Block, type Button, type Message } from "./blocks.ts";
import { clip, linkTo, moment, plain } from "./text.ts";

/** What a button of a gate carries; short keys, since a value has 2,000 characters. */
export interface GateButton {
  /** The gate. */
  g: string;
  /** The digest of its request: what was seen is what is signed. */
  d: Digest;
  /** How many inputs the policy asks an approver for; where it does not say, the gate is read. */
  i?: number;
}

export const gateActions = {
  approve: "gate.approve",
  "approve-on-condition": "gate.approve-on-condition",
  reject: "gate.reject",
  "request-changes": "gate.request-changes",
  escalate: "gate.escalate",
  open: "gate.open",
} as const;

/** An uploaded picture. */
export interface Picture {
  fileId: string;
  alt: string;
}

/**
 * A gate as a message: five lines, a picture if there is one, the buttons. Decided, it says who, when
 * and how, and has no buttons; superseded, it leads to the request that took its place.
 */
export function gateMessage(gate: GateNotice, picture: Picture | null = null): Message {
  const text = clip(plain(noticeTitle(gate), 400), 400);
  if (gate.state === "closed") return { text, blocks: closedBlocks(gate) };
  const image: Block[] =
    picture === null ? [] : [{ type: "image", slack_file: { id: picture.fileId }, alt_text: clip(picture.alt, 200) }];
  return { text, blocks: [section(askLines(gate).join("\n")), ...image, gateButtons(gate), context(whoLine(gate))] };
}

/** At most five: the ask, why now, the number that matters, what gets worse, until when. */
export function askLines(gate: GateNotice): string[] {
  return [
    `*${plain(gate.ask, 300)}* ${linkTo(gate.links.console, gate.about)}`,
    `Why now: ${plain(gate.why, 500)}`,
    ...(gate.headline === null ? [] : [plain(metricLine(gate.headline), 300)]),
    plain(worseLine(gate), 400),
    deadlineLine(gate),
  ];
}

function deadlineLine({ deadline, onDeadline, overdue }: GateNotice): string {
  return overdue
    ? `*Overdue* since ${moment(deadline)}; it still waits`
    : `Until ${moment(deadline)}, ${onDeadlineInWords[onDeadline]}`;
}

function gateButtons(gate: GateNotice): Block {
  const value: GateButton = { g: gate.gate, d: gate.digest, i: gate.inputs.length };
  const decide: Button[] = [
    button("Approve", { id: gateActions.approve, value, style: "primary" }),
    ...(gate.conditional ? [button("Approve on condition", { id: gateActions["approve-on-condition"], value })] : []),
    button("Reject", { id: gateActions.reject, value, style: "danger" }),
    button("Request changes", { id: gateActions["request-changes"], value }),
    button("Escalate", { id: gateActions.escalate, value }),
  ];
  return actions("gate", [...decide, button("Open review", { id: gateActions.open, url: gate.links.console })]);
}

const decided: Record<string, string> = {
  approve: "approved",
  reject: "rejected",
  "request-changes": "asked for changes",
};

function whoLine(gate: GateNotice): string {
  const votes = gate.votes
    .filter((vote) => vote.decision !== "escalate")
    .map((vote) => `${plain(vote.by, 80)} ${decided[vote.decision] ?? vote.decision}`)
    .join(", ");
  const missing =
    gate.missing.length > 0 ? `Missing: ${plain(gate.missing.join(", "), 400)}` : `Decides: ${plain(gate.deciders, 400)}`;
  return [plain(gate.gate, 200), missing, ...(votes === "" ? [] : [clip(votes, 600)])].join(" · ");
}

function closedBlocks(gate: GateNotice): Block[] {
  const { closed } = gate;
  const when = closed === null ? "" : `, ${moment(closed.at)}`;
  const reason = closed?.reason ? `\n“${plain(closed.reason, 500)}”` : "";
  const next =
    gate.supersededBy === null ? "" : `\nIt was asked anew: ${linkTo(gate.supersededBy.console, gate.supersededBy.gate)}`;
  const lines = [
    `*${plain(gate.ask, 300)}* ${linkTo(gate.links.console, gate.about)}`,
    `*${plain(closedLine(gate), 300)}*${when}${reason}${next}`,
  ];
  return [section(lines.join("\n")), context(plain(gate.gate, 200))];
}
